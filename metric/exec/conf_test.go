package exec_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/exec"
	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/release"
)

// TestMain makes this binary a command, too, for those who ask for one.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "as-command" {
		os.Exit(asCommand(os.Args[2]))
	}
	os.Exit(m.Run())
}

// stretch is what happened, in a form for a file.
type stretch struct {
	Arm, Region string
	To          time.Time
	All, Bad    int64
	Buckets     []int64
	Level       string
	Average     float64
}

// world is what the command knows.
type world struct {
	Fault  metricconf.Fault
	Secret string
	Bounds []float64
	All    []stretch
}

type question struct {
	Version int
	Metric  struct {
		Name, Kind string
		Ask        map[string]string
		By         []string
	}
	Arms    []struct{ Name, Version string }
	Windows []struct{ From, To time.Time }
}

func asCommand(file string) int {
	var w world
	var q question
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	if err == nil {
		err = json.NewDecoder(os.Stdin).Decode(&q)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 40
	}
	switch w.Fault {
	case metricconf.Busy, metricconf.BusyLong, metricconf.Failing:
		fmt.Fprintln(os.Stderr, "not now,", w.Secret)
		return 53
	case metricconf.Refused, metricconf.Forbidden:
		fmt.Fprintln(os.Stderr, "refused:", w.Secret)
		return 40
	case metricconf.Hanging:
		select {}
	case metricconf.Garbage:
		fmt.Println("\x00\x01}{]\xff " + w.Secret)
		return 0
	case metricconf.WebPage:
		fmt.Println("<!doctype html><title>Sign in</title>")
		return 0
	case metricconf.Partial:
		fmt.Println(`{"warning": "one shard does not answer, ` + w.Secret + `"}`)
	}
	w.print(q)
	return 0
}

// print prints what happened in the windows, a line for each stretch: of all, and
// of its region.
func (w world) print(q question) {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	placeless := false
	for _, s := range w.All {
		if !s.To.After(q.Windows[0].From) || s.To.After(q.Windows[len(q.Windows)-1].To) {
			continue
		}
		segments := []string{""}
		if len(q.Metric.By) > 0 && s.Region != "" {
			segments = append(segments, "region="+s.Region)
		}
		placeless = placeless || s.Region == "" && len(q.Metric.By) > 0
		for _, segment := range segments {
			line := map[string]any{"time": s.To, "metric": q.Metric.Name, "segment": segment, "arm": s.Arm}
			switch q.Metric.Kind {
			case "ratio":
				line["bad"], line["of"] = s.Bad, s.All
			case "count":
				line["count"] = s.All
			case "histogram":
				line["bounds"], line["counts"] = w.Bounds, s.Buckets
			case "gauge":
				line["points"] = []json.Number{json.Number(s.Level)}
			default:
				line["points"] = []float64{s.Average}
			}
			text, err := json.Marshal(line)
			if err != nil { // a level that is no number
				text = []byte(`{"warning": "a level is no number"}`)
			}
			fmt.Fprintf(out, "%s\n", text)
		}
	}
	if placeless {
		fmt.Fprintln(out, `{"warning": "some lack the region"}`)
	}
}

const secret = "s3cret-of-the-command"

func TestConformance(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("THE_SECRET", secret)
	metricconf.Answers(t, time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		w := world{Secret: secret, Bounds: h.Bounds, All: stretches(h.Stretches)}
		file := filepath.Join(t.TempDir(), "world.json")
		save := func(t *testing.T) {
			text, err := json.Marshal(w)
			if err == nil {
				err = os.WriteFile(file, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		save(t)
		src, err := exec.New(exec.Config{Command: []string{self, "as-command", file}, Env: []string{"THE_SECRET"}, Timeout: 8 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		const itself = "the command tries again itself, and the next look does"
		return metricconf.Bed{
			Source: src, Secrets: []string{secret},
			Metric: func(q metricconf.Question, _ []string) release.Metric {
				return release.Metric{Events: string(q), Of: map[metricconf.Question]string{metricconf.AskRatio: "all"}[q]}
			},
			Late: func(t *testing.T, more []metricconf.Stretch) {
				w.All = slices.Concat(w.All, stretches(more))
				save(t)
			},
			Break: func(t *testing.T, f metricconf.Fault) func() {
				w.Fault = f
				save(t)
				return func() {
					w.Fault = ""
					save(t)
				}
			},
			Cannot: map[string]string{
				metricconf.CaseFair:            "one run answers for both arms",
				metricconf.CaseFew:             "one run answers for all windows",
				metricconf.CaseSkewed:          "the command is of this machine, and what it asks is its own matter",
				metricconf.CaseBusy:            itself,
				"an error of the source, once": itself,
				metricconf.CaseCut:             "there is no connection",
				metricconf.CaseGone:            "a command that is gone is release.ErrNotFound",
			},
		}
	})
}

func stretches(all []metricconf.Stretch) (out []stretch) {
	for _, s := range all {
		level := fmt.Sprint(s.Level)
		if math.IsInf(s.Level, 0) {
			level = "+Inf"
		}
		out = append(out, stretch{s.Arm.Version, s.Region, s.To, s.All, s.Bad, s.Buckets, level, s.Average})
	}
	return out
}
