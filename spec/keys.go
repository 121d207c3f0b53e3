package spec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// fileKeys is the root of the table of keys.
var fileKeys = &object[File]{keys: []key[File]{
	{name: "apiVersion", doc: "The version of this format.", need: true, sample: "linnet/v1", zero: true,
		bind: at(nowhere[File], fixed("linnet/v1"))},
	{name: "kind", doc: "What the file describes.", need: true, sample: "Release", zero: true,
		bind: at(nowhere[File], fixed("Release"))},
	{name: "metadata", doc: "What the release is called.", need: true, sample: "{ name: checkout-1.5.0 }",
		bind: within(metadataKeys)},
	{name: "spec", doc: "What is released, how, and what it is judged by.", need: true, sample: "{ … }",
		bind: within(specKeys)},
}}

var metadataKeys = &object[File]{keys: []key[File]{
	{name: "name", doc: "The release's name. With an attempt's number it identifies a release for ever.", need: true, sample: "checkout-1.5.0",
		bind: at(func(f *File) *string { return &f.Name }, releaseName)},
	{name: "labels", doc: "Free labels to find the release by.",
		bind: at(func(f *File) *map[string]string { return &f.Labels }, texts(tagName, freeText, 0))},
}}

var specKeys = &object[File]{keys: []key[File]{
	{name: "preset", doc: "Where defaults come from; see the table of presets.", def: "balanced",
		bind: at(func(f *File) *string { return &f.Preset }, oneOf("balanced", "cautious", "fast"))},
	{name: "service", doc: "The service whose traffic moves.", need: true, sample: "checkout",
		bind: at(func(f *File) *string { return &f.Service }, freeText)},
	{name: "startAt", doc: "When the first weight may be set at the earliest.", words: "at once",
		bind: at(func(f *File) *time.Time { return &f.StartAt }, instants)},
	{name: "approval", doc: "Who is asked before the first weight is set, for the release as a whole.", words: "nobody",
		bind: at(func(f *File) *release.Approval { return &f.Approval }, approvalKeys)},
	{name: "links", doc: "Where more is to be found: traces, logs, a runbook. They go into records and notices.",
		bind: at(func(f *File) *[]release.Link { return &f.Links }, &listOf[release.Link]{item: linkKeys})},
	{name: "runbook", doc: "What people are to do when they are called. It goes into notices.",
		bind: at(func(f *File) *string { return &f.Runbook }, paragraph)},
	{name: "baseline", doc: "The version to compare with. Best is a fresh control, deployed together with the candidate and of its size.", need: true,
		sample: "{ version: 1.4.1, labels: { version: stable } }",
		bind:   at(func(f *File) *release.Arm { return &f.Baseline }, armKeys)},
	{name: "candidate", doc: "The version to be released.", need: true,
		sample: "{ version: 1.5.0, labels: { version: canary } }",
		bind:   at(func(f *File) *release.Arm { return &f.Candidate }, armKeys)},
	{name: "traffic", doc: "What splits the traffic: exactly one provider, or several.", need: true,
		sample: "{ proxy: { … } }",
		bind:   at(func(f *File) *Traffic { return &f.Traffic }, trafficKeys)},
	{name: "steps", doc: "The weights to go through, rising, before the candidate takes over.",
		def:  "[{weight: 1%, atLeast: 5m, atMost: 30m}, {weight: 10%, atLeast: 10m, atMost: 1h}, {weight: 50%, atLeast: 10m, atMost: 1h}]",
		bind: at(func(f *File) *[]Step { return &f.Steps }, &listOf[Step]{item: stepKeys, min: 1})},
	{name: "onLowered", doc: "What happens when somebody else lowers the weight: hold there until resumed, or correct it (three times between two steps at most, then hold). A weight that somebody raised is put right at once in any case.", def: "hold",
		bind: at(func(f *File) *string { return &f.OnLowered }, oneOf(Hold, Correct))},
	{name: "rollback", doc: "How a rollback goes.", bind: within(rollbackKeys)},
	{name: "harmBudget", doc: "How many requests may fail because of the candidate, by the ratio guardrail that shows the most: no weight is set that could cost more than is left, and more than that rolls back.", words: "none",
		bind: at(func(f *File) *int64 { return &f.HarmBudget }, requests)},
	{name: "watch", doc: "How long the new version is watched after its promotion; 0s for not at all.", def: "30m",
		bind: at(func(f *File) *time.Duration { return &f.Watch }, durations)},
	{name: "recovery", doc: "How long the baseline is watched after a rollback, to see that it recovers; 0s for not at all.", def: "10m",
		bind: at(func(f *File) *time.Duration { return &f.Recovery }, durations)},
	{name: "analysis", doc: "What is looked at, and how it is judged.", need: true, sample: "{ source: …, metrics: … }",
		bind: at(func(f *File) *Analysis { return &f.Analysis }, analysisKeys)},
}}

var linkKeys = &object[release.Link]{keys: []key[release.Link]{
	{name: "name", doc: "What the link leads to.", need: true, sample: "runbook",
		bind: at(func(l *release.Link) *string { return &l.Name }, freeText)},
	{name: "url", doc: "Where it leads.", need: true, sample: "https://example.com/runbook",
		bind: at(func(l *release.Link) *string { return &l.URL }, linkURL)},
}}

var armKeys = &object[release.Arm]{keys: []key[release.Arm]{
	{name: "version", doc: "The version, as people call it.", need: true, sample: "1.5.0",
		bind: at(func(a *release.Arm) *string { return &a.Version }, freeText)},
	{name: "labels", doc: "The labels that tell this arm's series from the other's. Linnet puts them into every selector.", need: true, sample: "{ version: canary }",
		bind: at(func(a *release.Arm) *map[string]string { return &a.Labels }, texts(labelName, freeText, 1))},
	{name: "commit", doc: "The commit it was built from, for the record.",
		bind: at(func(a *release.Arm) *string { return &a.Commit }, freeText)},
	{name: "image", doc: "The image it runs, best with its digest, for the record.",
		bind: at(func(a *release.Arm) *string { return &a.Image }, freeText)},
}}

var stepKeys = &object[Step]{keys: []key[Step]{
	{name: "weight", doc: "The candidate's share of the traffic; each step more than the one before.", need: true, sample: "10%",
		bind: at(func(s *Step) *release.Weight { return &s.Weight }, weights)},
	{name: "atLeast", doc: "How long to watch at least, from the moment the weight is in force.", need: true, sample: "10m", zero: true,
		bind: at(func(s *Step) *time.Duration { return &s.AtLeast }, durations)},
	{name: "atMost", doc: "How long to wait for a pass. The clock stands still while paused, without data, or waiting for an approval.", need: true, sample: "1h",
		bind: at(func(s *Step) *time.Duration { return &s.AtMost }, between(durations, time.Second, maxDuration))},
	{name: "approval", doc: "Who is asked before this weight is set.", words: "nobody",
		bind: at(func(s *Step) *release.Approval { return &s.Approval }, approvalKeys)},
	{name: "atDeadline", doc: "What happens when atMost is over without a pass: stay and keep looking, ask a person, or go on.", def: "hold",
		bind: at(func(s *Step) *string { return &s.AtDeadline }, oneOf("hold", "ask", "go"))},
}}

var approvalKeys = &object[release.Approval]{keys: []key[release.Approval]{
	{name: "from", doc: "The group that may approve.", need: true, sample: "release-managers",
		bind: at(func(a *release.Approval) *string { return &a.From }, groupName)},
	{name: "quorum", doc: "How many people of the group must approve. Who began the release is none of them.", def: "1",
		bind: at(func(a *release.Approval) *int64 { return &a.Quorum }, between(wholes, 1, 20))},
	{name: "expires", doc: "How long an approval counts once it is given; then it is asked again.", words: "as long as the attempt lasts",
		bind: at(func(a *release.Approval) *time.Duration { return &a.Expires }, between(durations, time.Minute, 90*day))},
	{name: "comment", doc: "Whether an approval needs a reason.", def: "optional",
		bind: at(func(a *release.Approval) *bool { return &a.Comment }, commentKind)},
}}

var rollbackKeys = &object[File]{keys: []key[File]{
	{name: "over", doc: "How long a rollback takes, in stages.", words: "at once",
		bind: at(func(f *File) *time.Duration { return &f.RollbackOver }, between(durations, 0, time.Hour))},
}}

// presets are the defaults that differ from those in the table, which are the
// preset balanced.
var presets = map[string]map[string]string{
	"balanced": {},
	"cautious": {
		"spec.steps": "[{weight: 0.5%, atLeast: 10m, atMost: 1h}, {weight: 2%, atLeast: 15m, atMost: 1h}," +
			" {weight: 5%, atLeast: 15m, atMost: 2h}, {weight: 10%, atLeast: 20m, atMost: 2h}," +
			" {weight: 25%, atLeast: 30m, atMost: 3h}, {weight: 50%, atLeast: 30m, atMost: 3h}]",
		"spec.watch":                      "1h",
		"spec.recovery":                   "20m",
		"spec.analysis.warmUp":            "2m",
		"spec.analysis.metrics[].exclude": "1.5x",
	},
	"fast": {
		"spec.steps":           "[{weight: 10%, atLeast: 2m, atMost: 15m}, {weight: 50%, atLeast: 5m, atMost: 30m}]",
		"spec.watch":           "15m",
		"spec.recovery":        "5m",
		"spec.analysis.warmUp": "30s",
	},
}

// constant is a word that has to be there and means nothing else.
type constant string

func fixed(word string) shape[struct{}] { return constant(word) }

func nowhere[T any](*T) *struct{} { return &struct{}{} }

func (k constant) decode(c *checker, n *node, path string, _ *struct{}) {
	var got string
	oneOf(string(k)).decode(c, n, path, &got)
}

func (k constant) encode(struct{}) *node { return &node{text: string(k)} }

func (k constant) schema() map[string]any { return map[string]any{"const": string(k)} }

func (k constant) written() string { return "`" + string(k) + "`" }

func (k constant) rows(string) []row { return nil }
