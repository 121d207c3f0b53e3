package gatewayapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
)

// parent is what a route is attached to.
type parent struct {
	group, kind, namespace, name, section string
	port                                  int64
}

// String names a parent.
func (p parent) String() string {
	s := p.kind + " " + p.namespace + "/" + p.name
	if p.section != "" {
		s += ", listener " + p.section
	}
	if p.port != 0 {
		s += fmt.Sprintf(", port %d", p.port)
	}
	return s
}

func parentOf(ref map[string]any, home string) parent {
	p := parent{group: group, kind: "Gateway", namespace: home, name: text(ref, "name"), section: text(ref, "sectionName")}
	if g, ok := ref["group"].(string); ok {
		p.group = g
	}
	if kind := text(ref, "kind"); kind != "" {
		p.kind = kind
	}
	if namespace := text(ref, "namespace"); namespace != "" {
		p.namespace = namespace
	}
	p.port, _ = ref["port"].(int64)
	return p
}

// parents are those that the route names.
func parents(read *unstructured.Unstructured, home string) []parent {
	spec, _ := read.Object["spec"].(map[string]any)
	var out []parent
	for _, ref := range list(spec, "parentRefs") {
		out = append(out, parentOf(ref, home))
	}
	return out
}

// The conditions of a parent that we go by.
const (
	accepted     = "Accepted"     // the parent serves this route
	resolvedRefs = "ResolvedRefs" // all its backends exist and may be used
)

// condition is what an implementation says of a route for one parent.
type condition struct {
	// seen is the generation of the route that it was said of; 0 for none.
	seen int64
	ok   bool
	why  string
}

// said finds what implementations say of a parent. Where several do, one that is
// content counts.
func said(read *unstructured.Unstructured, p parent, kind, home string) condition {
	status, _ := read.Object["status"].(map[string]any)
	var best condition
	for _, entry := range list(status, "parents") {
		ref, _ := entry["parentRef"].(map[string]any)
		if parentOf(ref, home) != p {
			continue
		}
		for _, c := range list(entry, "conditions") {
			if text(c, "type") != kind {
				continue
			}
			seen, _ := c["observedGeneration"].(int64)
			now := condition{seen: seen, ok: text(c, "status") == "True", why: strings.TrimSpace(text(c, "reason") + " " + text(c, "message"))}
			if now.seen > best.seen || now.seen == best.seen && now.ok {
				best = now
			}
		}
	}
	return best
}

// between is the time between two looks at a status.
const between = 50 * time.Millisecond

// accepted waits until every parent has accepted the route as it is, at a
// generation or a later one, and returns it; with refs it must also have found
// all backends. The error is release.ErrUnavailable: the change is made, and
// what becomes of it is the implementation's.
func (r *Router) accepted(ctx context.Context, generation int64, refs bool) (*unstructured.Unstructured, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Patience)
	defer cancel()
	tick := time.NewTicker(between)
	defer tick.Stop()
	waits := ""
	for {
		read, err := r.reader.Read(ctx)
		switch {
		case err != nil && (ctx.Err() == nil || waits == ""):
			return nil, err
		case err == nil:
			if waits, err = r.judge(read, max(generation, read.GetGeneration()), refs); err != nil {
				return nil, err
			}
			if waits == "" {
				return read, nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: %s: %w: %w", r.object, waits, ctx.Err(), release.ErrUnavailable)
		}
	}
}

// judge says what is still waited for, nothing when all is well; the error is of
// a parent that refuses.
func (r *Router) judge(read *unstructured.Unstructured, generation int64, refs bool) (waits string, err error) {
	home := r.object.Namespace()
	all := parents(read, home)
	if len(all) == 0 {
		return "", fmt.Errorf("%s: has no parentRefs, so that nobody serves it: %w", r.object, release.ErrUnavailable)
	}
	kinds := []string{accepted}
	if refs {
		kinds = append(kinds, resolvedRefs)
	}
	for _, p := range all {
		for _, kind := range kinds {
			c := said(read, p, kind, home)
			switch {
			case c.seen < generation:
				waits = fmt.Sprintf("%s has not said %s of generation %d (its last is %d)", p, kind, generation, c.seen)
			case !c.ok:
				return "", fmt.Errorf("%s: %s says that %s is not true: %.300s: %w", r.object, p, kind, c.why, release.ErrUnavailable)
			}
		}
	}
	return waits, nil
}

// mayRaise refuses more for an arm while a parent says that the route as it is
// is not served, or that a backend is missing: requests would fail.
func (r *Router) mayRaise(read *unstructured.Unstructured) error {
	home := r.object.Namespace()
	for _, p := range parents(read, home) {
		for _, kind := range []string{accepted, resolvedRefs} {
			if c := said(read, p, kind, home); c.seen == read.GetGeneration() && !c.ok {
				return fmt.Errorf("%s: not raised while %s says that %s is not true: %.300s: %w", r.object, p, kind, c.why, release.ErrUnavailable)
			}
		}
	}
	return nil
}
