package spec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// trafficKeys has a key for every provider, and one for several at once.
var trafficKeys = &object[Traffic]{
	noun: "provider", exactly: append(providerNames(), "several"),
	keys: append(providerKeys(), key[Traffic]{
		name: "several", doc: "Several routers, the safest first: their weights move together, and one that fails takes the others back.",
		bind: at(func(t *Traffic) *[]Traffic { return &t.Several }, &listOf[Traffic]{item: partKeys, min: 2}),
	}),
}

// partKeys are those of one of several.
var partKeys = &object[Traffic]{
	noun: "provider", exactly: providerNames(),
	keys: append([]key[Traffic]{{
		name: "name", doc: "What this router is called, in reasons and records.", need: true, sample: "eu-west",
		bind: at(func(t *Traffic) *string { return &t.Name }, releaseName),
	}}, providerKeys()...),
}

// testersKey lets testers choose their arm. The shape is testerAny, or the one
// of testerHeader and testerCookie that the provider can do.
func testersKey[T any](place func(*T) *release.Testers, of shape[release.Testers]) key[T] {
	return key[T]{name: "testers", doc: "How a tester chooses an arm, whatever the weights, while the release runs.",
		words: "not at all", bind: at(place, of)}
}

var (
	testerHeader = &object[release.Testers]{keys: []key[release.Testers]{testerHeaderKey(true)}}
	testerAny    = &object[release.Testers]{keys: []key[release.Testers]{testerHeaderKey(false), {
		name: "cookie", doc: "A request with this cookie goes to the arm that its value names.",
		bind: at(func(t *release.Testers) *string { return &t.Cookie }, headerName),
	}}}
)

func testerHeaderKey(need bool) key[release.Testers] {
	k := key[release.Testers]{name: "header", doc: "A request with this header goes to the arm that its value names.",
		bind: at(func(t *release.Testers) *string { return &t.Header }, headerName)}
	if need {
		k.need, k.sample = true, "X-Linnet-Arm"
	}
	return k
}

// stickyKey keeps users in their arm, by one of the shapes below.
func stickyKey[T any](place func(*T) *release.Sticky, of shape[release.Sticky]) key[T] {
	return key[T]{name: "sticky", doc: "What tells users apart, so that each stays in one arm while the release runs.",
		words: "the provider's own way", bind: at(place, of)}
}

// byCookie is for providers that set a cookie of their own making, byEither for
// those that tell users apart by what a request brings.
var (
	byCookie = &object[release.Sticky]{keys: []key[release.Sticky]{
		{name: "cookie", doc: "The cookie that keeps a user in an arm.", need: true, sample: "linnet-arm",
			bind: at(func(s *release.Sticky) *string { return &s.Cookie }, headerName)},
		{name: "for", doc: "How long it does.", words: "as the provider has it",
			bind: at(func(s *release.Sticky) *time.Duration { return &s.For }, between(durations, time.Second, 7*day))},
	}}
	byEither = &object[release.Sticky]{exactly: []string{"cookie", "header"}, keys: []key[release.Sticky]{
		{name: "cookie", doc: "The cookie that tells users apart.",
			bind: at(func(s *release.Sticky) *string { return &s.Cookie }, headerName)},
		{name: "header", doc: "The header that tells users apart.",
			bind: at(func(s *release.Sticky) *string { return &s.Header }, headerName)},
	}}
)

// mirrorKey copies a share of the baseline's requests to the candidate.
func mirrorKey[T any](place func(*T) *release.Weight) key[T] {
	return key[T]{name: "mirror", doc: "The share of the baseline's requests of which the candidate gets a copy, while it has a weight; nobody sees what it answers to those.",
		words: "none", bind: at(place, weights)}
}
