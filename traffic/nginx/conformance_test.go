package nginx_test

import (
	"os"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

func TestConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, theFile)
}

func TestInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, theFile)
}

func theFile(t *testing.T) trafficconf.Harness {
	b := open(t)
	cfg := b.cfg()
	cfg.Reload = b.script("reload", "exec NGINX -s reload")
	r := router(t, cfg)
	return trafficconf.Harness{
		Router: r, Service: service, Arms: []string{release.Baseline, release.Candidate, third},
		Grain: r.Grain(), Abilities: r.Abilities(), Fences: true,
		Restart: func() trafficconf.Router { b.stop(); b.start(); return router(t, cfg) },
		Edit:    b.edit,
		Users:   func() string { return b.read(b.config()) },
		Split:   b.split,
		Send:    b.send,
		Break:   func(f trafficconf.Fault) func() { return b.breaks(f) },
	}
}

// breaks makes nginx, or the command that reloads it, fail.
func (b *bed) breaks(f trafficconf.Fault) (mend func()) {
	instead := func(text string) func() {
		b.script("reload", text)
		return func() { b.script("reload", "exec NGINX -s reload") }
	}
	switch f {
	case trafficconf.Failing:
		return instead("echo it failed >&2; exit 1")
	case trafficconf.Hanging:
		return instead("exec sleep 60")
	case trafficconf.Broken:
		return instead("NGINX -s reload; kill -9 $$")
	case trafficconf.Lying:
		return instead("exit 0")
	case trafficconf.Contested:
		// Somebody else writes a route of theirs, with an older epoch, at once.
		return instead(`sed -i 's/epoch=[0-9]*/epoch=1/; s/200 "[0-9]* /200 "1 /' ` + b.file() + "; exec NGINX -s reload")
	case trafficconf.Unreachable:
		b.stop()
		return b.start
	case trafficconf.Missing:
		away := b.folder() + ".away"
		if err := os.Rename(b.folder(), away); err != nil {
			b.t.Fatal(err)
		}
		return func() {
			if err := os.Rename(away, b.folder()); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	return nil // see TestAFolderThatMayNotBeWritten for one that is forbidden
}

// The manual's first file is what Linnet itself would write.
func TestTheFirstFileIsOfLinnetsOwn(t *testing.T) {
	b := open(t)
	first := b.read(b.file())
	cfg := b.cfg()
	cfg.Arms = cfg.Arms[:2]
	r := router(t, cfg)
	seen, err := r.Observed(t.Context())
	if err != nil || seen.Route.Weights[0].Weight != release.Whole || seen.Route.Owner != "" || seen.Route.Epoch != 0 {
		t.Errorf("before Linnet, %+v is observed, %v", seen, err)
	}
	if err := r.Apply(t.Context(), release.Route{Service: service, Weights: []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole}}}); err != nil {
		t.Fatal(err)
	}
	b.write(b.file(), "")
	if err := r.Apply(t.Context(), release.Route{Service: service, Weights: []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole}}}); err != nil {
		t.Fatal(err)
	}
	if now := b.read(b.file()); now != first || !strings.Contains(now, "linnet.invalid") {
		t.Errorf("Linnet writes\n%s\nand the manual has\n%s", now, first)
	}
}
