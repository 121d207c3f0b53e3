package traefik

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// Services are TraefikServices.
func Services() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "traefik.io", Version: "v1alpha1", Resource: "traefikservices"}
}

// ServiceAbilities are what a Service can do beside weights. It mirrors where the
// first arm is a TraefikService of kind mirroring.
func ServiceAbilities() []release.Ability { return FileAbilities() }

// ServiceConfig says which TraefikService splits the traffic of a service.
type ServiceConfig struct {
	Client *kube.Client
	// Name is that of a weighted TraefikService in the client's namespace.
	Name string
	// Service is what Linnet calls the service.
	Service string
	// Arms are the arms, baseline first.
	Arms []Arm
	// API is the URL of Traefik's API; empty where it may not be asked.
	API string
	// Patience is how long Traefik may take to serve a change (default 8s).
	Patience time.Duration
}

// Service splits traffic by a weighted TraefikService. It is safe for concurrent
// use.
type Service struct {
	cfg      ServiceConfig
	backends []kube.Backend
	rules    split.Rules
	object   *kube.Object
	reader   *kube.Reader
	live     live
}

// NewService makes a Service. It does not call the cluster; the error is
// release.ErrInvalid.
func NewService(cfg ServiceConfig) (*Service, error) {
	if cfg.Client == nil || cfg.Service == "" || cfg.Name == "" || len(cfg.Arms) < 2 {
		return nil, fmt.Errorf("traefik: a client, a service, a TraefikService and two arms are needed: %w", release.ErrInvalid)
	}
	s := &Service{cfg: cfg, rules: split.Rules{Service: cfg.Service, Abilities: ServiceAbilities()}}
	for _, arm := range cfg.Arms {
		b, err := kube.ParseBackend(arm.Backend)
		if err != nil {
			return nil, fmt.Errorf("traefik: service of arm %q: %w", arm.Name, err)
		}
		s.backends, s.rules.Arms = append(s.backends, b), append(s.rules.Arms, arm.Name)
	}
	var err error
	if s.cfg.Patience, err = patience(cfg.Patience); err != nil {
		return nil, err
	}
	if s.live, err = newLive(cfg.API); err != nil {
		return nil, err
	}
	s.object = cfg.Client.Object(Services(), "", cfg.Name)
	s.reader = s.object.Reader()
	return s, nil
}

// Close ends the watch and what else is kept open.
func (s *Service) Close() {
	s.reader.Close()
	s.live.close()
}

// Annotations of a TraefikService that has something of ours beside weights.
const (
	stickyKey = "linnet.dev/sticky" // its cookie is ours
	mirrorKey = "linnet.dev/mirror" // the first arm may have a mirror of ours
)

// Apply changes the TraefikService, and where the API may be asked returns when
// Traefik serves it.
func (s *Service) Apply(ctx context.Context, route release.Route) error {
	weights, err := s.rules.Weights(route)
	if err != nil {
		return fmt.Errorf("%s: %w", s.object, err)
	}
	share, err := percent(route.Mirror)
	if err != nil {
		return err
	}
	var before *unstructured.Unstructured
	var arms arms
	made, err := s.reader.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		if err := s.object.Fence(read, route); err != nil {
			return nil, err
		}
		before = read
		if arms, err = s.arms(read); err != nil {
			return nil, err
		}
		if err := s.mayMirror(ctx, read, arms, share); err != nil {
			return nil, err
		}
		return s.change(read, arms, route, weights)
	})
	if err != nil {
		return err
	}
	// The weights come first: taking traffic away must not wait for a mirror.
	mirrors, err := s.mirror(ctx, before, made, arms, share)
	if err != nil {
		return err
	}
	want := make([]int64, len(weights))
	for i, w := range weights {
		want[i] = int64(w)
	}
	cookie, _, _ := unstructured.NestedString(made.Object, "spec", "weighted", "sticky", "cookie", "name")
	all := append(mirrors, weightsOf(liveName(s.object), arms.places, want, cookie))
	return s.live.confirmed(ctx, s.cfg.Patience, func(ctx context.Context) error { return s.overtaken(ctx, route) }, all...)
}

// overtaken tells whether somebody has set a newer route since.
func (s *Service) overtaken(ctx context.Context, route release.Route) error {
	read, err := s.reader.Read(ctx)
	if err != nil {
		return err
	}
	return s.object.Fence(read, route)
}

// arms are the places of the arms among the weighted services of an object.
type arms struct {
	places  []int
	entries []map[string]any // in the order of the arms
	weights []int64
	// other is another service that has a weight.
	other string
}

// arms finds them; the error is release.ErrInvalid.
func (s *Service) arms(read *unstructured.Unstructured) (arms, error) {
	list, _, _ := unstructured.NestedFieldNoCopy(read.Object, "spec", "weighted", "services")
	items, ok := list.([]any)
	if !ok {
		return arms{}, fmt.Errorf("%s: is not weighted; give it spec.weighted.services: %w", s.object, release.ErrInvalid)
	}
	found := arms{}
	for i, b := range s.backends {
		place := -1
		for j, item := range items {
			entry, _ := item.(map[string]any)
			if entry == nil || !b.Is(entry, s.object.Namespace()) {
				continue
			}
			if place >= 0 {
				return arms{}, fmt.Errorf("%s: service %s is there twice; name its port too: %w", s.object, b, release.ErrInvalid)
			}
			place = j
		}
		if place < 0 {
			return arms{}, fmt.Errorf("%s: spec.weighted.services has no %s, the service of arm %q; add it with weight 0: %w", s.object, b, s.rules.Arms[i], release.ErrInvalid)
		}
		entry := items[place].(map[string]any)
		found.places, found.entries, found.weights = append(found.places, place), append(found.entries, entry), append(found.weights, weightOf(entry))
	}
	for j, item := range items {
		if entry, _ := item.(map[string]any); entry != nil && !slices.Contains(found.places, j) && weightOf(entry) > 0 {
			found.other = fmt.Sprint(entry["name"])
		}
	}
	return found, nil
}

// weightOf is the weight of a weighted service: 1 where it says nothing.
func weightOf(entry map[string]any) int64 {
	if w, ok := entry["weight"].(int64); ok {
		return w
	}
	return 1
}

// change says what makes the object as it was read serve another split.
func (s *Service) change(read *unstructured.Unstructured, found arms, route release.Route, weights []release.Weight) (*kube.Change, error) {
	if found.other != "" && weights[0] != release.Whole {
		return nil, fmt.Errorf("%s: another service has a weight, %s, so that the arms do not get all requests; give it weight 0: %w", s.object, found.other, release.ErrInvalid)
	}
	c := &kube.Change{}
	for i, place := range found.places {
		at := kube.Path{"spec", "weighted", "services", strconv.Itoa(place), "weight"}
		was, there := found.entries[i]["weight"]
		switch is := int64(weights[i]); {
		case !there:
			c.Add(at, is)
		case was != is:
			c.Replace(at, was, is)
		}
	}
	if err := s.stick(c, read, route.Sticky); err != nil {
		return nil, err
	}
	if route.Mirror > 0 {
		c.Annotate(mirrorKey, "true")
	}
	c.Stamp(route)
	return c, nil
}

// stick puts a cookie of ours in, or takes it away. One of the user's stays.
func (s *Service) stick(c *kube.Change, read *unstructured.Unstructured, sticky release.Sticky) error {
	at := kube.Path{"spec", "weighted", "sticky"}
	was, there, _ := unstructured.NestedFieldNoCopy(read.Object, at...)
	ours := read.GetAnnotations()[stickyKey] != ""
	if sticky.Cookie == "" {
		if ours {
			c.Unannotate(stickyKey)
		}
		if ours && there {
			c.Remove(at, was)
		}
		return nil
	}
	if there && !ours {
		return fmt.Errorf("%s: has a sticky cookie of its own; take it away, or ask for none: %w", s.object, release.ErrInvalid)
	}
	cookie := map[string]any{"name": sticky.Cookie}
	if seconds := int64(sticky.For / time.Second); seconds > 0 {
		cookie["maxAge"] = seconds
	}
	is := map[string]any{"cookie": cookie}
	if there {
		c.Replace(at, was, is)
	} else {
		c.Add(at, is)
	}
	c.Annotate(stickyKey, sticky.Cookie)
	return nil
}

// Observed reads back the weights of the TraefikService, or where the API may be
// asked those that Traefik serves, once it has had the time to take them.
func (s *Service) Observed(ctx context.Context) (release.Seen, error) {
	if err := ctx.Err(); err != nil {
		return release.Seen{}, fmt.Errorf("%s: %w: %w", s.object, err, release.ErrUnavailable)
	}
	var read *unstructured.Unstructured
	var found arms
	set := func(ctx context.Context) (weights []int64, err error) {
		if read, err = s.reader.Read(ctx); err == nil {
			found, err = s.arms(read)
		}
		return found.weights, err
	}
	weights, err := set(ctx)
	if err == nil && s.live.asked() {
		weights, err = s.live.settled(ctx, liveName(s.object), found.places, set, settles)
	}
	if err != nil {
		return release.Seen{}, err
	}
	shares, ok := split.Shares(weights)
	if !ok {
		return release.Seen{}, fmt.Errorf("%s: no arm has any weight, so that all requests fail: %w", s.object, release.ErrInvalid)
	}
	stamp := kube.StampOf(read)
	return release.Seen{
		Route:   release.Route{Service: s.cfg.Service, Weights: split.Of(s.rules.Arms, shares), Epoch: stamp.Epoch, Owner: stamp.Owner},
		Writers: kube.Writers(read, kube.Path{"spec", "weighted"}),
	}, nil
}

// liveName is what Traefik's API calls a TraefikService.
func liveName(object *kube.Object) string {
	words := strings.FieldsFunc(object.Namespace()+"-"+object.Name(), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r)
	})
	return strings.Join(words, "-") + "@kubernetescrd"
}
