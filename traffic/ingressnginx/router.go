package ingressnginx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// Config says which Ingresses of the client's namespace split the traffic of a
// service.
type Config struct {
	Client  *kube.Client
	Service string
	// Arms are the names of baseline and candidate.
	Arms []string
	// Ingresses move together, in their order.
	Ingresses []Pair
}

// Pair is a user's Ingress and the one for the candidate.
type Pair struct {
	// Main leads to the baseline and is only read.
	Main string
	// Canary leads to the candidate, is marked as a canary and has hosts and
	// paths of Main.
	Canary string
}

// Router splits the traffic of one service. It is safe for concurrent use.
type Router struct {
	cfg   Config
	rules split.Rules
	pairs []pair
}

type pair struct {
	main   *kube.Object
	canary *kube.Reader
	last   *last
}

// last is the stamp that a canary Ingress had last. It goes with an Ingress that
// somebody deletes, and tells what a release has left there from what was never
// there.
type last struct {
	mu    sync.Mutex
	stamp split.Stamp
}

func (l *last) set(stamp split.Stamp) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if stamp != (split.Stamp{}) {
		l.stamp = stamp
	}
}

func (l *last) get() split.Stamp {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stamp
}

// ingresses are the kind of objects.
func ingresses() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
}

// New makes a Router; it does not call the cluster yet.
func New(cfg Config) (*Router, error) {
	if len(cfg.Arms) != 2 || len(cfg.Ingresses) == 0 {
		return nil, fmt.Errorf("ingress-nginx splits between two arms by at least one canary Ingress, got %d and %d: %w",
			len(cfg.Arms), len(cfg.Ingresses), release.ErrInvalid)
	}
	r := &Router{cfg: cfg, rules: split.Rules{Service: cfg.Service, Arms: cfg.Arms, Abilities: []release.Ability{release.HeaderTesters}}}
	for _, p := range cfg.Ingresses {
		r.pairs = append(r.pairs, pair{
			main:   cfg.Client.Object(ingresses(), "", p.Main),
			canary: cfg.Client.Object(ingresses(), "", p.Canary).Reader(),
			last:   &last{},
		})
	}
	return r, nil
}

// Rights are the least that a router of these Ingresses needs in their
// namespace.
func Rights(pairs []Pair) (rules []kube.Rule) {
	for _, p := range pairs {
		rules = append(rules,
			kube.ReadWrite("networking.k8s.io", "ingresses", p.Canary),
			kube.Rule{Group: "networking.k8s.io", Resource: "ingresses", Names: []string{p.Main}, Verbs: []string{"get"}})
	}
	return rules
}

// Close ends the watches.
func (r *Router) Close() {
	for _, p := range r.pairs {
		p.canary.Close()
	}
}

// Observed reads back what the canary Ingresses say. Where they differ, each is
// told, and the route is that of the one which gives the candidate the least.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	var seen release.Seen
	least, differ := release.Whole+1, false
	for i, p := range r.pairs {
		weight, stamp, object, err := p.observed(ctx)
		if err != nil {
			return release.Seen{}, err
		}
		weights := split.Of(r.cfg.Arms, []release.Weight{release.Whole - weight, weight})
		differ = differ || i > 0 && weight != seen.Parts[0].Weights[1].Weight
		seen.Parts = append(seen.Parts, release.Part{Name: p.canary.Object().Name(), Weights: weights})
		if object != nil {
			seen.Writers = append(seen.Writers, kube.Writers(object, annotation(weightKey), annotation(totalKey), annotation(canaryKey))...)
		}
		if weight < least {
			least = weight
			seen.Route = release.Route{Service: r.cfg.Service, Weights: weights, Owner: stamp.Owner, Epoch: stamp.Epoch}
		}
	}
	if !differ {
		seen.Parts = nil
	}
	slices.Sort(seen.Writers)
	seen.Writers = slices.Compact(seen.Writers)
	return seen, nil
}

// observed reads back one canary Ingress. One that was deleted in the middle of a
// release gives the candidate nothing; there is no object then.
func (p pair) observed(ctx context.Context) (release.Weight, split.Stamp, *unstructured.Unstructured, error) {
	object, err := p.canary.Read(ctx)
	if stamp := p.last.get(); errors.Is(err, release.ErrNotFound) && stamp != (split.Stamp{}) {
		return 0, stamp, nil, nil
	}
	if err != nil {
		return 0, split.Stamp{}, nil, err
	}
	stamp := kube.StampOf(object)
	if stamp == (split.Stamp{}) {
		// Nobody's yet: what could never be served is told before a release begins.
		if _, err := p.suits(ctx, object); err != nil {
			return 0, stamp, nil, err
		}
	}
	p.last.set(stamp)
	weight, err := served(object.GetAnnotations())
	if err != nil {
		return 0, stamp, nil, fmt.Errorf("%s: %w", p.canary.Object(), err)
	}
	return weight, stamp, object, nil
}

func annotation(key string) kube.Path { return kube.Path{"metadata", "annotations", key} }

// Apply makes the canary Ingresses say what the route asks for. Everything is
// read and checked first. Where one of several cannot be raised, those before it
// go back; down goes every one that can, and one that was deleted is down.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return err
	}
	w := wish{weight: weights[1], header: route.Testers.Header, value: r.cfg.Arms[1]}
	before, wishes, err := r.look(ctx, route, w)
	if err != nil {
		return err
	}
	var failed []error
	for i, p := range r.pairs {
		if before[i] == nil {
			p.last.set(split.StampOf(route))
			continue
		}
		_, err := p.canary.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
			return change(p.canary.Object(), read, route, wishes[i])
		})
		if err == nil {
			p.last.set(split.StampOf(route))
			continue
		}
		was, unread := served(before[i].GetAnnotations())
		if unread == nil && w.weight > was {
			return r.back(ctx, route, before[:i], err)
		}
		failed = append(failed, err)
	}
	return together(failed)
}

// suits tells whether a canary stands beside its main Ingress as it must, and
// whether that one keeps users by a cookie, which is assumed where it cannot be
// read.
func (p pair) suits(ctx context.Context, canary *unstructured.Unstructured) (affinity bool, err error) {
	main, err := p.main.Get(ctx)
	if err != nil {
		return true, err
	}
	if err := match(main, canary); err != nil {
		err = fmt.Errorf("%s: %w", p.canary.Object(), err)
		return main.GetAnnotations()[affinityKey] != "", err
	}
	return main.GetAnnotations()[affinityKey] != "", nil
}

// look reads all Ingresses, and refuses what could not be served. It has nil for a
// canary that is not there, where all is to go to the main Ingress that is.
func (r *Router) look(ctx context.Context, route release.Route, w wish) ([]*unstructured.Unstructured, []wish, error) {
	var before []*unstructured.Unstructured
	var wishes []wish
	for _, p := range r.pairs {
		canary, err := p.canary.Object().Get(ctx)
		if errors.Is(err, release.ErrNotFound) && w.weight == 0 && w.header == "" {
			if _, err := p.main.Get(ctx); err != nil {
				return nil, nil, err
			}
			before, wishes = append(before, nil), append(wishes, w)
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		w.affinity, err = p.suits(ctx, canary)
		// A rollback needs the canary alone.
		if err != nil && (w.weight > 0 || !marked(canary)) {
			return nil, nil, err
		}
		if _, err := change(p.canary.Object(), canary, route, w); err != nil {
			return nil, nil, err
		}
		before, wishes = append(before, canary), append(wishes, w)
	}
	return before, wishes, nil
}

// change makes a canary Ingress serve a wish, unless a newer route is there.
func change(object *kube.Object, read *unstructured.Unstructured, route release.Route, w wish) (*kube.Change, error) {
	if err := object.Fence(read, route); err != nil {
		return nil, err
	}
	c := annotate(wanted(read.GetAnnotations(), w))
	c.Stamp(route)
	return c, nil
}

func annotate(values map[string]*string) *kube.Change {
	c := &kube.Change{}
	for key, value := range values {
		if value == nil {
			c.Unannotate(key)
		} else {
			c.Annotate(key, *value)
		}
	}
	return c
}

// backWait bounds the way back after a raise that failed, which must not end
// with the call that failed.
const backWait = 3 * time.Second

// back takes Ingresses that were raised to what they said before, as far as the
// route is still theirs, and returns why. Where that fails too, something has
// changed, and the error says so.
func (r *Router) back(ctx context.Context, route release.Route, before []*unstructured.Unstructured, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backWait)
	defer cancel()
	for i := len(before) - 1; i >= 0; i-- {
		_, err := r.pairs[i].canary.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
			if kube.StampOf(read) != split.StampOf(route) {
				return &kube.Change{}, nil // somebody newer has it
			}
			return annotate(former(before[i].GetAnnotations())), nil
		})
		if err != nil {
			return fmt.Errorf("%v; going back: %v: %w", why, err, release.ErrUnavailable)
		}
	}
	return why
}

// former are the annotations of ours as they were.
func former(was map[string]string) map[string]*string {
	out := map[string]*string{}
	for _, key := range append([]string{canaryKey, weightKey, keptKey, kube.StampKey}, borrowed...) {
		out[key] = nil
		if value, ok := was[key]; ok {
			out[key] = &value
		}
	}
	return out
}

// together is one error of several Ingresses, some of which may have changed: it
// is worth another try where any of them is.
func together(failed []error) error {
	if len(failed) <= 1 {
		return errors.Join(failed...)
	}
	text, meaning := failed[0].Error(), failed[0]
	for _, err := range failed[1:] {
		text += "; " + err.Error()
		if errors.Is(err, release.ErrUnavailable) {
			meaning = err
		}
	}
	return &several{text: text, meaning: meaning}
}

type several struct {
	text    string
	meaning error
}

func (e *several) Error() string { return e.text }
func (e *several) Unwrap() error { return e.meaning }
