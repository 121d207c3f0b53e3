package traefik

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// mirroring is the TraefikService that the first arm is, where it can mirror; nil
// where the arm is something else.
func (s *Service) mirroring(found arms) *kube.Object {
	entry := found.entries[0]
	if entry["kind"] != "TraefikService" {
		return nil
	}
	namespace, _ := entry["namespace"].(string)
	if namespace == "" {
		namespace = s.object.Namespace()
	}
	return s.cfg.Client.Object(Services(), namespace, s.backends[0].Name)
}

// mayMirror refuses a share that the first arm cannot mirror, before anything is
// changed.
func (s *Service) mayMirror(ctx context.Context, read *unstructured.Unstructured, found arms, share int64) error {
	if share == 0 {
		return nil
	}
	first := s.mirroring(found)
	if first == nil {
		return fmt.Errorf("%s: mirrors only where the first arm's service, %s, is a TraefikService with spec.mirroring: %w", s.object, s.backends[0], release.ErrInvalid)
	}
	object, err := first.Get(ctx)
	if err != nil {
		return err
	}
	if _, ok, _ := unstructured.NestedMap(object.Object, "spec", "mirroring"); !ok {
		return fmt.Errorf("%s: has no spec.mirroring, so that %s cannot mirror: %w", first, s.object, release.ErrInvalid)
	}
	if _, at := s.mirrorOf(object); at >= 0 && read.GetAnnotations()[mirrorKey] == "" {
		return fmt.Errorf("%s: mirrors to %s already, and that is not ours; take it away, or ask for no mirroring: %w", first, s.backends[1], release.ErrInvalid)
	}
	return nil
}

// mirrorOf finds the mirror that is the second arm, -1 where there is none.
func (s *Service) mirrorOf(object *unstructured.Unstructured) (mirrors []any, at int) {
	field, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "mirroring", "mirrors")
	mirrors, _ = field.([]any)
	for i, m := range mirrors {
		if m, ok := m.(map[string]any); ok && s.backends[1].Is(m, object.GetNamespace()) {
			return mirrors, i
		}
	}
	return mirrors, -1
}

// mirror makes the first arm copy a share of its requests, or none, where the
// object was marked as mirroring before or is now, and gives what Traefik has to
// serve for it. When none are copied any more, the mark goes too.
func (s *Service) mirror(ctx context.Context, before, made *unstructured.Unstructured, found arms, share int64) (out []expected, err error) {
	if share == 0 && before.GetAnnotations()[mirrorKey] == "" {
		return nil, nil
	}
	if first := s.mirroring(found); first != nil {
		changed, err := first.Reader().Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
			return s.setMirror(read, found, share), nil
		})
		switch {
		case share == 0 && errors.Is(err, release.ErrNotFound): // nothing copies there any more
		case err != nil:
			return nil, err
		default:
			out = append(out, mirroringAs(changed, liveName(first)))
		}
	}
	if share > 0 {
		return out, nil
	}
	_, err = s.reader.Update(ctx, func(read *unstructured.Unstructured) (*kube.Change, error) {
		c := &kube.Change{}
		if kube.StampOf(read) == kube.StampOf(made) { // else somebody newer may mirror
			c.Unannotate(mirrorKey)
		}
		return c, nil
	})
	return out, err
}

// mirroringAs expects the shares that an object says.
func mirroringAs(object *unstructured.Unstructured, service string) expected {
	field, _, _ := unstructured.NestedFieldNoCopy(object.Object, "spec", "mirroring", "mirrors")
	mirrors, _ := field.([]any)
	want := make([]int64, len(mirrors))
	for i, m := range mirrors {
		if m, ok := m.(map[string]any); ok {
			want[i], _ = m["percent"].(int64)
		}
	}
	return expected{service, func(s served) bool { return slices.Equal(s.percents(), want) }}
}

// setMirror changes the second arm's place among the mirrors, and no other.
func (s *Service) setMirror(read *unstructured.Unstructured, found arms, share int64) *kube.Change {
	c := &kube.Change{}
	mirrors, at := s.mirrorOf(read)
	path := kube.Path{"spec", "mirroring", "mirrors"}
	want := map[string]any{"percent": share}
	for _, key := range []string{"kind", "namespace", "name", "port"} {
		if value, ok := found.entries[1][key]; ok {
			want[key] = value
		}
	}
	switch {
	case share == 0 && at < 0:
	case share == 0 && len(mirrors) == 1:
		c.Remove(path, mirrors)
	case share == 0:
		c.Remove(append(path, strconv.Itoa(at)), mirrors[at])
	case mirrors == nil:
		c.Add(path, []any{want})
	case at < 0:
		c.Add(append(path, "-"), want)
	case mirrors[at].(map[string]any)["percent"] != share:
		c.Replace(append(path, strconv.Itoa(at)), mirrors[at], want)
	}
	return c
}
