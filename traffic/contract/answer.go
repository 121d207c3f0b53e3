package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/release"
)

const (
	maxWriters = 10
	// maxName bounds what the other side names: a writer, an owner, a salt, in
	// bytes.
	maxName = 1000
	// maxSaid bounds what an error tells of an answer, in bytes.
	maxSaid = 500
)

// parse reads one JSON object. Keys that are not known are passed over.
func parse(text []byte, into any) error {
	trimmed := bytes.TrimSpace(text)
	switch {
	case len(trimmed) == 0:
		return errors.New("it is empty, and a JSON object is expected")
	case trimmed[0] != '{':
		return fmt.Errorf("it begins %.40q, and a JSON object is expected", trimmed)
	}
	err := json.Unmarshal(trimmed, into)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("%s: a %s does not belong there", kind.Field, kind.Value)
	}
	if err != nil {
		return fmt.Errorf("it is no JSON object: %w", err)
	}
	return nil
}

// failure is what an answer tells of a failure: in its own words, "" where it has
// none, what they mean, nil where it has no code of the contract, and whether it
// tells of one at all.
func failure(text []byte) (said string, meaning error, failed bool) {
	var form failureForm
	if parse(text, &form) != nil {
		return "", nil, false
	}
	return form.Error, codes[form.Code], form.Error != "" || form.Code != ""
}

// done holds the answer of a side that did what it was asked: nothing, or an
// object.
func done(text []byte) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return parse(text, new(struct{}))
}

// seen reads the answer to observe. Its error says what is wrong with it.
func seen(text []byte, service string, arms []string) (release.Seen, error) {
	var form seenForm
	if err := parse(text, &form); err != nil {
		return release.Seen{}, err
	}
	switch {
	case form.Version != nil && *form.Version != version:
		return release.Seen{}, fmt.Errorf("version: is %d, and %d is spoken here", *form.Version, version)
	case form.Service != nil && *form.Service != service:
		return release.Seen{}, fmt.Errorf("service: is %.100q, and %q was asked for", *form.Service, service)
	case form.Route == nil:
		return release.Seen{}, errors.New("route: is missing")
	}
	if err := form.Route.check(arms); err != nil {
		return release.Seen{}, err
	}
	out := release.Seen{Route: form.Route.route(service), Lapsed: form.Lapsed}
	for _, w := range form.Writers[:min(len(form.Writers), maxWriters)] {
		out.Writers = append(out.Writers, clip(w, maxName))
	}
	return out, nil
}

// check holds a route from outside to what can be served.
func (f *routeForm) check(arms []string) error {
	sum := uint64(0)
	named := map[string]bool{}
	for _, w := range f.Weights {
		switch {
		case !slices.Contains(arms, w.Arm):
			return fmt.Errorf("route.weights: no arm %.100q, known are %s", w.Arm, strings.Join(arms, ", "))
		case named[w.Arm]:
			return fmt.Errorf("route.weights: arm %q is named twice", w.Arm)
		}
		named[w.Arm] = true
		sum += uint64(w.Weight)
	}
	switch {
	case len(f.Weights) == 0:
		return errors.New("route.weights: is missing")
	case sum != uint64(release.Whole):
		return fmt.Errorf("route.weights: sum to %d, and must to %d", sum, release.Whole)
	case f.Mirror > release.Whole:
		return fmt.Errorf("route.mirror: %d is more than the whole, %d", f.Mirror, release.Whole)
	case len(f.Owner) > maxName || len(f.Salt) > maxName:
		return fmt.Errorf("route: owner and salt may have %d bytes each, and have %d and %d", maxName, len(f.Owner), len(f.Salt))
	}
	for _, s := range []seconds{f.Lease, f.Sticky.For} {
		if !(s >= 0 && s <= longest) {
			return fmt.Errorf("route: lease and sticky.for are numbers of seconds from 0 to %v, and %v is none", longest, s)
		}
	}
	return nil
}

func clip(text string, most int) string {
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
