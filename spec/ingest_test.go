package spec

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

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/linnet-project/linnet/release"
)

func rulesFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "ingest", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRulesWithoutAFile(t *testing.T) {
	got := DefaultIngest()
	zero, day := 0.0, 86400.0
	want := Ingest{
		Text: got.Text, Hash: got.Hash,
		Require: []string{"service", "version|arm"},
		Ranges:  []IngestRange{{Match: "*.duration", AtLeast: &zero, AtMost: &day}},
		TooOld:  24 * time.Hour, Future: time.Minute, Window: 5 * time.Second, Lateness: 10 * time.Second, Dedupe: time.Hour,
		Limits:     IngestLimits{Batch: 16 << 20, Series: 10_000, Tags: 30, Tag: 256},
		Store:      Retention{15 * 24 * time.Hour, 10 << 30},
		Log:        Retention{48 * time.Hour, 5 << 30},
		Quarantine: Retention{7 * 24 * time.Hour, 256 << 20},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

func TestRulesInFull(t *testing.T) {
	in, err := ParseIngest("rules.yaml", rulesFile(t, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if in.Rename["service.version"] != "version" || in.Fill["region"] != "eu" || in.Units[1] != (IngestUnit{"*_size.value", "KiB"}) {
		t.Errorf("tags and units are %+v", in)
	}
	if *in.Ranges[0].AtMost != 3600 || *in.Ranges[2].AtMost != 1 || in.Ranges[2].AtLeast != nil {
		t.Errorf("ranges are %+v", in.Ranges)
	}
	first := IngestSampling{Service: "checkout", Route: "/health*", Name: "*", Keep: 0.01}
	if len(in.Sampling) != 2 || in.Sampling[0] != first || !in.Sampling[1].KeepErrors || in.Sampling[1].Service != "*" {
		t.Errorf("sampling is %+v", in.Sampling)
	}
	if in.Limits.SeriesOf("shop") != 50_000 || in.Limits.SeriesOf("other") != 5_000 {
		t.Errorf("limits are %+v", in.Limits)
	}
	if in.Log.Size != 3<<29 || in.Forward.PasswordFile != "/run/secrets/mimir" || in.Forward.Timeout != 30*time.Second {
		t.Errorf("log is %+v, forward %+v", in.Log, in.Forward)
	}
}

func TestBadRules(t *testing.T) {
	in, err := ParseIngest("rules.yaml", rulesFile(t, "bad.yaml"))
	var all Errors
	if !errors.As(err, &all) || !errors.Is(err, release.ErrInvalid) || !reflect.DeepEqual(in, Ingest{}) {
		t.Fatalf("got %+v, %v", in, err)
	}
	golden := filepath.Join("testdata", "ingest", "bad.err")
	if *update {
		if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, _ := os.ReadFile(golden); err.Error()+"\n" != string(want) {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("a password is in the error")
	}
}

func TestARulesFileIsNoReleaseFile(t *testing.T) {
	_, err := Parse("f", rulesFile(t, "full.yaml"))
	if err == nil || !strings.Contains(err.Error(), `f:2:7: kind: "Ingest" is not known here`) {
		t.Errorf("got %v", err)
	}
}

func equalRules(a, b Ingest) bool {
	a.Text, a.Hash, b.Text, b.Hash = nil, "", nil, ""
	return reflect.DeepEqual(a, b)
}

func FuzzParseIngest(f *testing.F) {
	for _, name := range []string{"full.yaml", "minimal.yaml", "bad.yaml"} {
		f.Add(rulesFile(f, name))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in, err := ParseIngest("f", text)
		if err != nil {
			if !reflect.DeepEqual(in, Ingest{}) {
				t.Fatal("half of the rules came back with an error")
			}
			return
		}
		written := FormatIngest(in)
		again, err := ParseIngest("f", written)
		if err != nil || !equalRules(in, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v\nfrom\n%s", err, again, in, written)
		}
	})
}

func TestRulesSchemaAndReference(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(kindOf(ingestDocument).Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("ingest.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("ingest.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"full.yaml", "minimal.yaml"} {
		text := rulesFile(t, name)
		in, err := ParseIngest(name, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(t, s, FormatIngest(in)); err != nil {
			t.Errorf("%s, formatted: %v\n%s", name, err, FormatIngest(in))
		}
	}
	if err := valid(t, s, rulesFile(t, "bad.yaml")); err == nil {
		t.Error("the schema takes bad rules")
	}
	var root map[string]any
	if err := json.Unmarshal(kindOf(ingestDocument).Schema(), &root); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"spec.time.lateness", "spec.sampling[].keepErrors", "spec.forward.basicAuth.passwordFile", "spec.log.size"} {
		if !strings.Contains(kindOf(ingestDocument).Reference(), "| `"+path+"` |") {
			t.Errorf("the reference lacks %s", path)
		}
	}
}
