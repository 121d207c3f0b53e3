package exec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/exec"
	"github.com/linnet-project/linnet/release"
)

func start() time.Time { return time.Date(2026, 1, 2, 10, 0, 0, 0, time.UTC) }

var query = release.Query{
	Metric: release.Metric{Name: "orders", Kind: release.Ratio, Events: "missed", Of: "visits", Query: "which orders?", By: []string{"region"}},
	Arms: []release.Arm{
		{Name: "baseline", Version: "1.4.1", Labels: map[string]string{"track": "main"}},
		{Name: "candidate", Version: "1.5.0", Labels: map[string]string{"track": "next"}},
	},
	Windows: []release.Window{{From: start(), To: start().Add(time.Minute)}, {From: start().Add(time.Minute), To: start().Add(2 * time.Minute)}},
}

// script asks a shell script of that text, which runs in dir.
func script(t *testing.T, text string, q release.Query) (a release.Answer, dir string, err error) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "it.sh"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOKEN", "t0ken-t0ken")
	s, err := exec.New(exec.Config{Command: []string{"./it.sh", "a b; exit 9"}, Folder: dir, Env: []string{"TOKEN"}})
	if err != nil {
		t.Fatal(err)
	}
	a, err = s.Observe(t.Context(), q)
	return a, dir, err
}

// TestWhatTheCommandGets is what docs/exec-source.md promises.
func TestWhatTheCommandGets(t *testing.T) {
	_, dir, err := script(t, `cat >stdin; echo "$1" >args`, query)
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if got := string(read("args")); got != "a b; exit 9\n" {
		t.Errorf("its argument is %q", got)
	}
	page, err := os.ReadFile("../../docs/exec-source.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```json\n")
	shown, _, _ := strings.Cut(after, "```")
	var got, want bytes.Buffer
	if err := errors.Join(json.Compact(&got, read("stdin")), json.Compact(&want, []byte(shown))); err != nil || got.String() != want.String() {
		t.Errorf("it gets\n%s\nand the page shows\n%s\n%v", got.String(), want.String(), err)
	}
}

// TestLines: lines are summed in the windows that their times fall into, each
// segment by itself; an arm may be called by its version or a label.
func TestLines(t *testing.T) {
	a, _, err := script(t, `cat <<'END'
{"time":"2026-01-02T10:00:30Z","metric":"orders","arm":"baseline","bad":1,"of":10}
{"time":"2026-01-02T10:01:00Z","arm":"1.4.1","bad":2,"of":20}

{"time":"2026-01-02T10:01:00.001Z","arm":"next","bad":3,"of":30}
{"time":"2026-01-02T10:00:30Z","arm":"main","segment":"region=eu","bad":1,"of":4,"kept_of":2}
{"time":"2026-01-02T09:00:00Z","arm":"baseline","bad":100,"of":100}
{"warning":"one shop is closed"}
END`, query)
	if err != nil {
		t.Fatal(err)
	}
	w := query.Windows
	want := []release.Observation{
		{Metric: "orders", Arm: "baseline", Window: w[0], Events: 3, Of: 30},
		{Metric: "orders", Arm: "candidate", Window: w[1], Events: 3, Of: 30},
		{Metric: "orders", Segment: "region=eu", Arm: "baseline", Window: w[0], Events: 1, Of: 4, Kept: release.Kept{Events: 1, Of: 2}},
	}
	if !reflect.DeepEqual(a.Observations, want) || len(a.Warnings) != 1 || !strings.Contains(a.Warnings[0], "one shop is closed") {
		t.Errorf("got %+v\nwant %+v", a, want)
	}
	for text, says := range map[string]string{
		`echo '{"time":"2026-01-02T10:00:30Z","arm":"baseline","segment":"region=eu","bad":1,"of":4}'`: "no line without one",
		`echo '{"time":"2026-01-02T10:00:30Z","arm":"1.3.0","bad":1,"of":4}'`:                          "none of the release's",
	} {
		a, _, err := script(t, text, query)
		if err != nil || !strings.Contains(strings.Join(a.Warnings, "\n"), says) {
			t.Errorf("%s: %q, %v", text, a.Warnings, err)
		}
	}
}

// TestManySegments: what is printed of all together counts, however many segments
// were printed before it.
func TestManySegments(t *testing.T) {
	a, _, err := script(t, `for i in $(seq 150); do echo '{"time":"2026-01-02T10:00:30Z","arm":"baseline","segment":"region='$i'","bad":0,"of":1}'; done
echo '{"time":"2026-01-02T10:00:30Z","arm":"baseline","bad":7,"of":150}'`, query)
	if err != nil || len(a.Observations) != 101 || a.Observations[0].Segment != "" || a.Observations[0].Events != 7 {
		t.Errorf("%d observations, error %v; want all together, and 100 segments", len(a.Observations), err)
	}
}

// TestQuotedSecrets: what an error quotes is still a secret.
func TestQuotedSecrets(t *testing.T) {
	t.Setenv("TOKEN", `t0"k\en-t0ken`)
	s, err := exec.New(exec.Config{Command: []string{"printf", "%s", `{"t0\"k\\en-t0ken": 1}`}, Env: []string{"TOKEN"}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Observe(t.Context(), query)
	if err == nil || strings.Contains(err.Error(), "en-t0ken") || !strings.Contains(err.Error(), "***") {
		t.Errorf("error %v", err)
	}
}

// TestFailures have the meaning of their exit code, and keep the secret.
func TestFailures(t *testing.T) {
	for _, c := range []struct {
		text    string
		meaning error
		says    string
	}{
		{`echo "the till is closed for $TOKEN" >&2; exit 53`, release.ErrUnavailable, "the till is closed for ***"},
		{"exit 40", release.ErrInvalid, "exit status 40"},
		{"exit 44", release.ErrNotFound, "exit status 44"},
		{"exit 1", release.ErrInvalid, "exit status 1"},
		{"kill -TERM $$", release.ErrInvalid, "signal: terminated"},
		{`echo "{\"time\":\"$TOKEN\"}"`, release.ErrInvalid, `line 1 of its output is no observation (docs/exec-source.md): "time" cannot be read`},
		{`echo; echo '{"time":"2026-01-02T10:00:30Z","arm":"baseline","count":1}'`, release.ErrInvalid, `line 2 of its output`},
		{`echo '{"time":"2026-01-02T10:00:30Z","metric":"x","arm":"baseline","bad":1,"of":2}'`, release.ErrInvalid, `about metric "x"`},
		{`echo '{"time":"2026-01-02T10:00:30Z","arm":"baseline","segment":"eu","bad":1,"of":2}'`, release.ErrInvalid, `segment "eu" is not label=value`},
		{`head -c 17000000 /dev/zero`, release.ErrInvalid, "more than 16777216 bytes"},
		{`head -c 2000000 /dev/zero`, release.ErrInvalid, "line 1 of its output is longer"},
	} {
		_, _, err := script(t, c.text, query)
		if !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "metric orders: command ./it.sh: ") || strings.Contains(err.Error(), "t0ken") {
			t.Errorf("%s: %v, expected %q with %q", c.text, err, c.meaning, c.says)
		}
	}
	if _, err := exec.New(exec.Config{Command: []string{"/no/such/command"}}); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("no such command: %v", err)
	}
}
