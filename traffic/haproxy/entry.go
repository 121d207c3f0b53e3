package haproxy

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// entry is what the map holds for a service, all in one value, so that every
// request sees one route whole. Its text has fields between colons:
//
//	epoch:owner:salt:tester header:tester cookie:sticky header:sticky cookie:bound…
//
// A request draws a number below 100,000. Below the first bound it goes to the
// second arm, else below the second bound to the third arm, and so on, else to
// the first arm. A name that is not asked for is "-".
type entry struct {
	stamp           split.Stamp
	salt            string
	testers, sticky [2]string // header, cookie
	bounds          []string
}

// firstBound is where the bounds begin; see the configuration in docs/haproxy.md.
const firstBound = 7

// none stands for a name that is not asked for.
const none = "-"

// entryOf is the entry for a route, whose weights are in the order of arms.
func entryOf(route release.Route, weights []release.Weight) (entry, error) {
	e := entry{
		stamp: split.StampOf(route), salt: route.Salt,
		testers: [2]string{route.Testers.Header, route.Testers.Cookie},
		sticky:  [2]string{route.Sticky.Header, route.Sticky.Cookie},
	}
	for _, name := range []string{e.testers[0], e.testers[1], e.sticky[0], e.sticky[1]} {
		if name != "" && !header.MatchString(name) {
			return entry{}, fmt.Errorf("the header or cookie %.100q must be letters, digits and -_. here: %w", name, release.ErrInvalid)
		}
	}
	bound := release.Weight(0)
	for _, w := range weights[1:] {
		bound += w
		e.bounds = append(e.bounds, strconv.FormatUint(uint64(bound), 10))
	}
	return e, nil
}

// String writes the entry as one word without quotes, colons aside.
func (e entry) String() string {
	parts := []string{strconv.FormatUint(e.stamp.Epoch, 10), url.QueryEscape(e.stamp.Owner), url.QueryEscape(e.salt)}
	for _, name := range []string{e.testers[0], e.testers[1], e.sticky[0], e.sticky[1]} {
		if name == "" {
			name = none
		}
		parts = append(parts, name)
	}
	return strings.Join(append(parts, e.bounds...), ":")
}

// parseEntry reads a value of the map as HAProxy's configuration does: what does
// not begin with a number gives its arm nothing, and a value that is no entry
// gives all to the first arm and is nobody's.
func parseEntry(value string, arms int) (split.Stamp, []release.Weight) {
	parts := strings.Split(value, ":")
	weights := make([]release.Weight, arms)
	reached := release.Weight(0)
	for i := 1; i < arms && firstBound+i-1 < len(parts); i++ {
		if bound := leading(parts[firstBound+i-1]); bound > reached {
			weights[i] = bound - reached
			reached = bound
		}
	}
	weights[0] = release.Whole - reached
	if len(parts) <= firstBound {
		return split.Stamp{}, weights
	}
	epoch, err := strconv.ParseUint(parts[0], 10, 64)
	owner, bad := url.QueryUnescape(parts[1])
	if err != nil || bad != nil {
		return split.Stamp{}, weights
	}
	return split.Stamp{Epoch: epoch, Owner: owner}, weights
}

// leading is the number that a text begins with, and at most the whole.
func leading(text string) (n release.Weight) {
	for _, r := range text {
		if r < '0' || r > '9' {
			break
		}
		n = min(n*10+release.Weight(r-'0'), release.Whole)
	}
	return n
}
