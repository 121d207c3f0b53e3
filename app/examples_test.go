package app_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/app"
	"github.com/linnet-project/linnet/spec"
)

var update = flag.Bool("update", false, "write examples, README and docs anew from what the program prints")

// traffic is a made-up service behind a splitter, recorded each 15 s: ten
// minutes of the baseline alone, then thirty of both.
type traffic struct {
	seed       uint64
	weight     float64
	errorRatio float64 // the candidate's error rate over the baseline's
}

var latencyBounds = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1}

// recording writes it as OpenMetrics text.
func (t traffic) recording() []byte {
	const rps, errorRate, every, alone, both = 200, 0.005, 15, 40, 120
	rng := rand.New(rand.NewPCG(t.seed, 1))
	var b bytes.Buffer
	b.WriteString("# TYPE http_requests counter\n# TYPE http_request_duration_seconds histogram\n# TYPE linnet_candidate_weight_ratio gauge\n")
	type arm struct {
		version       string
		from          int
		share, errors float64
	}
	for _, a := range []arm{{"stable", 0, 1, errorRate}, {"canary", alone, t.weight, errorRate * t.errorRatio}} {
		var ok, bad int
		buckets := make([]int, len(latencyBounds)+1)
		for k := a.from; k <= alone+both; k++ {
			share := a.share
			if a.version == "stable" && k > alone {
				share = 1 - t.weight
			}
			n := 0
			if k > a.from {
				n = int(math.Round(rps*every*share + math.Sqrt(rps*every*share)*rng.NormFloat64()))
			}
			for range n {
				if rng.Float64() < a.errors {
					bad++
				} else {
					ok++
				}
				took := 0.02 * math.Exp(0.6*rng.NormFloat64())
				for i := range buckets {
					if i == len(latencyBounds) || took <= latencyBounds[i] {
						buckets[i]++
					}
				}
			}
			at := 1767225600 + every*k
			fmt.Fprintf(&b, "http_requests_total{version=%q,status=\"200\"} %d %d\n", a.version, ok, at)
			fmt.Fprintf(&b, "http_requests_total{version=%q,status=\"500\"} %d %d\n", a.version, bad, at)
			for i, n := range buckets {
				le := "+Inf"
				if i < len(latencyBounds) {
					le = fmt.Sprint(latencyBounds[i])
				}
				fmt.Fprintf(&b, "http_request_duration_seconds_bucket{version=%q,le=%q} %d %d\n", a.version, le, n, at)
			}
		}
	}
	for k := range alone + both + 1 {
		w := t.weight
		if k < alone {
			w = 0
		}
		fmt.Fprintf(&b, "linnet_candidate_weight_ratio %g %d\n", w, 1767225600+every*k)
	}
	b.WriteString("# EOF\n")
	return sorted(b.Bytes())
}

// sorted groups the lines of each series, as a writer of recordings does.
func sorted(text []byte) []byte {
	lines := strings.SplitAfter(string(text), "\n")
	var order []string
	groups := map[string][]string{}
	for _, l := range lines {
		key := l
		if !strings.HasPrefix(l, "#") && l != "" {
			key = l[:strings.IndexByte(l, ' ')]
		}
		if _, ok := groups[key]; !ok {
			order = append(order, key)
		}
		groups[key] = append(groups[key], l)
	}
	var b bytes.Buffer
	for _, k := range order {
		b.WriteString(strings.Join(groups[k], ""))
	}
	return b.Bytes()
}

// root is the project's folder.
const root = ".."

// current holds a file to what it should hold, or writes it anew.
func current(t *testing.T, name string, want []byte) {
	t.Helper()
	path := filepath.Join(root, name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program gives; `go test ./app -run %s -update` writes it anew", name, t.Name())
	}
}

// TestExampleRecordings holds the example recordings to their generator.
func TestExampleRecordings(t *testing.T) {
	for name, made := range map[string]traffic{
		"examples/good.om.gz": {seed: 11, weight: 0.05, errorRatio: 1},
		"examples/bad.om.gz":  {seed: 12, weight: 0.05, errorRatio: 6},
	} {
		text := made.recording()
		if *update {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			if _, err := z.Write(text); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			current(t, name, b.Bytes())
			continue
		}
		f, err := os.Open(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s is not what its generator gives (%v)", name, err)
		}
		f.Close()
	}
}

// TestReadme holds the commands that pages show to what they print.
func TestReadme(t *testing.T) {
	for _, page := range []string{"README.md", "docs/hooks.md"} {
		consoles(t, page)
	}
}

// consoles runs the commands that a page shows and holds what they print to what
// it says. A shown command begins with "$ linnet"; what it prints follows up to
// the next command or the end of the block.
func consoles(t *testing.T, page string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```")
	commands := 0
	for i := 1; i < len(blocks); i += 2 {
		body, ok := strings.CutPrefix(blocks[i], "console\n")
		if !ok {
			continue
		}
		var b strings.Builder
		for _, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
			if command, ok := strings.CutPrefix(line, "$ linnet "); ok {
				commands++
				b.WriteString(line + "\n" + printed(t, command))
			}
		}
		blocks[i] = "console\n" + b.String()
	}
	if commands == 0 {
		t.Errorf("%s shows no command", page)
	}
	current(t, page, []byte(strings.Join(blocks, "```")))
}

// printed is what a command prints, run in the project's folder; "< FILE" at
// its end is its standard input.
func printed(t *testing.T, command string) string {
	t.Helper()
	t.Chdir(root)
	defer t.Chdir("app")
	command, input, _ := strings.Cut(command, " < ")
	in := io.Reader(strings.NewReader(""))
	if input != "" {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	var out bytes.Buffer
	err := app.Main(strings.Fields(command), in, &out, &out)
	if code := app.ExitCode(err); code != 0 {
		fmt.Fprintf(&out, "(exit code %d)\n", code)
	}
	return out.String()
}

// TestReleaseFileReference holds the reference of the release file and its
// schema to the table that the parser reads by.
func TestReleaseFileReference(t *testing.T) {
	current(t, "docs/release-file.md", []byte(spec.Reference()))
	current(t, "docs/release.schema.json", append(spec.Schema(), '\n'))
	for _, k := range spec.Kinds() {
		name := strings.ToLower(k.Name)
		page := name + "-file"
		if k.Name == "Ingest" {
			page = "ingest-rules"
		}
		current(t, "docs/"+page+".md", []byte(k.Reference()))
		current(t, "docs/"+name+".schema.json", append(k.Schema(), '\n'))
	}
}
