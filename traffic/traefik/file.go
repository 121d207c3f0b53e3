package traefik

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/file"
	"github.com/linnet-project/linnet/traffic/split"
)

// FileAbilities are what a File can do beside weights.
func FileAbilities() []release.Ability {
	return []release.Ability{release.CookieSticky, release.Mirrors, release.ManyArms}
}

// Arm is an arm and where it is found.
type Arm struct {
	Name string
	// Backend is a service of Traefik's for a File ("checkout-stable", or
	// "checkout@docker" of another provider), and what kube.ParseBackend reads
	// for a Service.
	Backend string
}

// FileConfig says which file splits the traffic of a service.
type FileConfig struct {
	// Path is a file in the folder that Traefik watches, for Linnet alone.
	Path string
	// Weighted is the weighted service in it, to which routers lead.
	Weighted string
	// Service is what Linnet calls the service.
	Service string
	// Arms are the arms, baseline first.
	Arms []Arm
	// API is the URL of Traefik's API; empty where it may not be asked.
	API string
	// Patience is how long Traefik may take to serve a change (default 8s).
	Patience time.Duration
}

// File splits traffic by a file of Traefik's file provider. It is safe for
// concurrent use; another process that writes the file is told by the stamp in
// it, except in the instant of writing.
type File struct {
	cfg    FileConfig
	rules  split.Rules
	names  []string
	places []int
	live   live

	mu sync.Mutex // one writer at a time
}

// NewFile makes a File. It reads nothing yet; the error is release.ErrInvalid.
func NewFile(cfg FileConfig) (*File, error) {
	if cfg.Service == "" || len(cfg.Arms) < 2 || !isName(cfg.Weighted) || strings.Contains(cfg.Weighted, "@") {
		return nil, fmt.Errorf("traefik: a service, the name of a weighted service and two arms are needed: %w", release.ErrInvalid)
	}
	switch filepath.Ext(cfg.Path) {
	case ".yml", ".yaml":
	default:
		return nil, fmt.Errorf("traefik: the file %.200q must end in .yml or .yaml, or Traefik does not read it: %w", cfg.Path, release.ErrInvalid)
	}
	f := &File{cfg: cfg, rules: split.Rules{Service: cfg.Service, Abilities: FileAbilities()}}
	for i, arm := range cfg.Arms {
		if !isName(arm.Backend) || slices.Contains(f.names, arm.Backend) || strings.HasSuffix(arm.Backend, mirrorSuffix) {
			return nil, fmt.Errorf("traefik: %.100q of arm %q is no service of its own: %w", arm.Backend, arm.Name, release.ErrInvalid)
		}
		f.names, f.places, f.rules.Arms = append(f.names, arm.Backend), append(f.places, i), append(f.rules.Arms, arm.Name)
	}
	var err error
	f.cfg.Patience, err = patience(cfg.Patience)
	if err == nil {
		f.live, err = newLive(cfg.API)
	}
	return f, err
}

// patience is how long to wait for Traefik, which by default takes a change at
// once and those within two seconds after it together.
func patience(asked time.Duration) (time.Duration, error) {
	switch {
	case asked < 0:
		return 0, fmt.Errorf("traefik: the patience %v is negative: %w", asked, release.ErrInvalid)
	case asked == 0:
		return 8 * time.Second, nil
	}
	return asked, nil
}

// settles is how long a read-back waits for Traefik to serve what is set: a bit
// longer than the two seconds that it takes changes together.
const settles = 3 * time.Second

// Close ends what is kept open.
func (f *File) Close() { f.live.close() }

// Apply writes the file, whole and at once, and where the API may be asked
// returns when Traefik serves it.
func (f *File) Apply(ctx context.Context, route release.Route) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w: %w", f.cfg.Path, err, release.ErrUnavailable)
	}
	weights, err := f.rules.Weights(route)
	if err != nil {
		return fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	want := content{stamp: split.StampOf(route), names: f.names, cookie: route.Sticky.Cookie, keep: route.Sticky.For}
	for _, w := range weights {
		want.weights = append(want.weights, int64(w))
	}
	if want.mirror, err = percent(route.Mirror); err != nil {
		return err
	}
	if want.cookie != "" && (!isName(want.cookie) || strings.Contains(want.cookie, "@")) {
		return fmt.Errorf("traefik: the cookie's name %.100q has characters other than letters, digits, -, _ and .: %w", want.cookie, release.ErrInvalid)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.write(ctx, route, want); err != nil {
		return err
	}
	return f.live.confirmed(ctx, f.cfg.Patience, func(context.Context) error { return f.overtaken(route) }, f.expects(want)...)
}

// expects is what Traefik has to serve once it has taken the file.
func (f *File) expects(want content) []expected {
	weights := weightsOf(f.cfg.Weighted+"@file", f.places, want.weights, want.cookie)
	all := []expected{{weights.service, func(s served) bool {
		return weights.holds(s) && strings.HasSuffix(s.Weighted.Services[0].Name, mirrorSuffix) == (want.mirror > 0)
	}}}
	if want.mirror > 0 {
		all = append(all, expected{f.cfg.Weighted + mirrorSuffix + "@file", func(s served) bool {
			return slices.Equal(s.percents(), []int64{want.mirror})
		}})
	}
	return all
}

// overtaken tells whether another process has written a newer route since.
func (f *File) overtaken(route release.Route) error {
	text, _, err := file.Read(f.cfg.Path)
	if err != nil {
		return err
	}
	stamp, _ := stampOf(text)
	return stamp.Fence(route)
}

// percent is a share in whole percent, which is all that Traefik's mirrors know.
func percent(share release.Weight) (int64, error) {
	const grain = release.Whole / 100
	if share%grain != 0 {
		low, high := split.Nearest(share, grain)
		return 0, fmt.Errorf("traefik: mirrors take whole percents, not %s; the nearest are %s and %s: %w",
			split.Percent(share), split.Percent(low), split.Percent(high), release.ErrInvalid)
	}
	return int64(share / grain), nil
}

// write puts the file in place of the old one, where that may be lost.
func (f *File) write(ctx context.Context, route release.Route, want content) error {
	was, there, err := file.Read(f.cfg.Path)
	if err != nil {
		return fmt.Errorf("traefik: %w", err)
	}
	stamp, ours := stampOf(was)
	if err := stamp.Fence(route); err != nil {
		return fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	now, invalid := parse(was, f.cfg.Weighted, f.names)
	if there && !ours && invalid != nil {
		return fmt.Errorf("%s: %w; give Linnet a file of its own", f.cfg.Path, invalid)
	}
	if err := f.mayRaise(ctx, now, want); err != nil {
		return err
	}
	text := want.text(f.cfg.Weighted)
	if text == was {
		return nil
	}
	if err := file.ReplaceBy(f.cfg.Path, workshop, text); err != nil {
		return fmt.Errorf("traefik: %w", err)
	}
	return nil
}

// mayRaise asks whether Traefik knows the services of arms that get more than
// they have. With one that it does not know, it would answer every request of
// the weighted service with 404.
func (f *File) mayRaise(ctx context.Context, now, want content) error {
	if !f.live.asked() {
		return nil
	}
	for i, name := range f.names {
		if i == 0 || want.weights[i] == 0 || now.weights != nil && want.weights[i] <= now.weights[i] {
			continue
		}
		if !strings.Contains(name, "@") {
			name += "@file"
		}
		if _, err := f.live.get(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// workshop is where the file is written before it takes its place. Traefik watches
// the folder but none below it: woken by a file that is not ready yet, it would
// put off the one that is for two seconds.
const workshop = ".linnet"

// Observed reads back the file, or where the API may be asked what Traefik
// serves, once it has had the time to take the file.
func (f *File) Observed(ctx context.Context) (release.Seen, error) {
	if err := ctx.Err(); err != nil {
		return release.Seen{}, fmt.Errorf("%s: %w: %w", f.cfg.Path, err, release.ErrUnavailable)
	}
	now, err := f.read()
	if f.live.asked() && (err == nil || errors.Is(err, errBroken)) {
		now.weights, err = f.live.settled(ctx, f.cfg.Weighted+"@file", f.places, func(context.Context) ([]int64, error) {
			is, err := f.read()
			now = is
			if errors.Is(err, errBroken) {
				err = nil // Traefik serves something all the same
			}
			return is.weights, err
		}, settles)
	}
	if err != nil {
		return release.Seen{}, err
	}
	shares, ok := split.Shares(now.weights)
	if !ok {
		return release.Seen{}, fmt.Errorf("%s: no arm has any weight, so that all requests fail: %w", f.cfg.Path, release.ErrInvalid)
	}
	return release.Seen{Route: release.Route{
		Service: f.cfg.Service, Weights: split.Of(f.rules.Arms, shares), Epoch: now.stamp.Epoch, Owner: now.stamp.Owner,
		Mirror: release.Weight(min(max(now.mirror, 0), 100)) * (release.Whole / 100),
	}}, nil
}

// errBroken is a file that is there and does not say the split. Its stamp may be
// known all the same.
var errBroken = errors.New("not the split")

// read gives what the file says.
func (f *File) read() (content, error) {
	text, there, err := file.Read(f.cfg.Path)
	switch {
	case err != nil:
		return content{}, fmt.Errorf("traefik: %w", err)
	case !there:
		return content{}, fmt.Errorf("traefik: %s: there is no such file yet, it is written with the first weight: %w", f.cfg.Path, release.ErrUnavailable)
	}
	is, err := parse(text, f.cfg.Weighted, f.names)
	if err != nil {
		is.stamp, _ = stampOf(text)
		return is, fmt.Errorf("%s: %w: %w", f.cfg.Path, errBroken, err)
	}
	return is, nil
}
