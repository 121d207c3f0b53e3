package unit_test

import (
	"testing"

	"github.com/linnet-project/linnet/ingest/unit"
	"github.com/linnet-project/linnet/spec"
)

func TestEveryUnitThatRulesMayNameIsKnown(t *testing.T) {
	for _, name := range spec.IngestUnits() {
		if _, ok := unit.Of(name); !ok {
			t.Errorf("%s is not known", name)
		}
	}
}

func TestToBase(t *testing.T) {
	for name, want := range map[string]float64{
		"ns": 5e-9, "us": 5e-6, "µs": 5e-6, "ms": 0.005, "s": 5, "min": 300, "h": 18_000,
		"bytes": 5, "KB": 5000, "KiB": 5120, "MiB": 5 << 20, "percent": 0.05, "ratio": 5,
	} {
		u, ok := unit.Of(name)
		if got := u.ToBase(5); !ok || got != want {
			t.Errorf("5 %s are %v %s, want %v", name, got, u.Base, want)
		}
	}
}

func TestEnding(t *testing.T) {
	for name, want := range map[string]string{
		"latency_ms": "latency seconds", "cart.size_KiB": "cart.size bytes", "db.query.milliseconds": "db.query seconds",
		"cpu_percent": "cpu ratio", "latency": "", "cpu_min": "", "_ms": "", "ms": "",
	} {
		stem, u, ok := unit.Ending(name)
		if got := stem + " " + u.Base; ok != (want != "") || ok && got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, want)
		}
	}
}
