package spec

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

var analysisKeys = &object[Analysis]{keys: []key[Analysis]{
	{name: "source", doc: "Where metrics come from: exactly one source.", need: true,
		sample: "{ prometheus: { url: http://localhost:9090 } }",
		bind:   at(func(a *Analysis) *Source { return &a.Source }, sourceKeys)},
	{name: "others", doc: "Sources beside it, each with a name: a metric that names one is asked of it.",
		bind: at(func(a *Analysis) *[]Source { return &a.Others }, &listOf[Source]{item: otherKeys, min: 1})},
	{name: "every", doc: "The time between looks.", derive: defaultEvery, words: "15s, or as long as the coarsest source needs",
		bind: at(func(a *Analysis) *time.Duration { return &a.Every }, between(durations, time.Second, time.Hour))},
	{name: "delay", doc: "How long the source is given to see what happened: a look ends this long before now.",
		derive: defaultDelay, words: "5s, or as long as the slowest source needs", zero: true,
		bind: at(func(a *Analysis) *time.Duration { return &a.Delay }, between(durations, 0, time.Hour))},
	{name: "warmUp", doc: "How long a fresh candidate's latency and levels are not judged. Errors always are.", def: "1m",
		bind: at(func(a *Analysis) *time.Duration { return &a.WarmUp }, between(durations, 0, day))},
	{name: "blindFor", doc: "How long the release stays where it is without any data, before it steps back.", def: "10m",
		bind: at(func(a *Analysis) *time.Duration { return &a.BlindFor }, between(durations, time.Second, 7*day))},
	{name: "falseRollback", doc: "The probability that a harmless release is rolled back by statistics: over the whole release, all metrics, segments and looks together.", def: "1%",
		bind: at(func(a *Analysis) *float64 { return &a.FalseRollback }, between(percents, 0.00001, 0.5))},
	{name: "share", doc: "How the candidate's share of all requests is held against its weight; `off` for not at all.", def: "{}",
		words: "on, where there is a ratio or a histogram",
		bind:  at(func(a *Analysis) *release.Share { return &a.Share }, shape[release.Share](shareShape{shareKeys}))},
	{name: "metrics", doc: "The measures that decide. At least one is a guardrail.", need: true,
		sample: "[ { name: errors, ratio: { bad: …, of: … } } ]",
		bind:   at(func(a *Analysis) *[]release.Metric { return &a.Metrics }, &listOf[release.Metric]{item: metricShape{metricKeys}, min: 1})},
}}

var prometheusKeys = &object[Prometheus]{atMost: oneLogin, keys: slices.Concat(
	[]key[Prometheus]{urlKey("The server's URL, without /api/v1.", "http://localhost:9090", noParams, func(p *Prometheus) *Access { return &p.Access })},
	loginKeys(func(p *Prometheus) *Access { return &p.Access }),
	reachKeys(func(p *Prometheus) *Access { return &p.Access }),
)}

var embeddedKeys = &object[Embedded]{keys: []key[Embedded]{
	{name: "targets", doc: "The metric pages to scrape, by arm. The arm's labels are added to every series. Needed where nothing is sent to `receive`.",
		bind: at(func(e *Embedded) *map[string][]string { return &e.Targets }, targetKeys)},
	{name: "interval", doc: "The time between scrapes.", words: "`every`, at most 15s",
		bind: at(func(e *Embedded) *time.Duration { return &e.Interval }, between(durations, 100*time.Millisecond, time.Hour))},
	{name: "retention", doc: "How long samples are kept.", def: "15d",
		bind: at(func(e *Embedded) *time.Duration { return &e.Retention }, between(durations, time.Hour, maxDuration))},
	{name: "receive", doc: "Takes what is sent to Linnet, beside what is scraped.", words: "none",
		bind: at(func(e *Embedded) **Receive { return &e.Receive }, optional[Receive]{receiveKeys})},
}}

var receiveKeys = &object[Receive]{keys: []key[Receive]{
	{name: "listen", doc: "The address that takes OTLP, Prometheus' remote write and events over HTTP.", need: true, sample: "127.0.0.1:4318",
		bind: at(func(r *Receive) *string { return &r.Listen }, listenAddress)},
	{name: "grpc", doc: "An address that takes OTLP over gRPC.", words: "none",
		bind: at(func(r *Receive) *string { return &r.GRPC }, listenAddress)},
	{name: "statsd", doc: "An address that takes StatsD over UDP and TCP.", words: "none",
		bind: at(func(r *Receive) *string { return &r.StatsD }, listenAddress)},
	{name: "rules", doc: "The file of the rules that data is held against.", words: "the defaults",
		bind: at(func(r *Receive) *string { return &r.Rules }, filePath)},
}}

var targetKeys = &object[map[string][]string]{keys: []key[map[string][]string]{
	{name: "baseline", doc: "The baseline's metric pages.", need: true, sample: "[ http://127.0.0.1:9001/metrics ]",
		bind: entry("baseline", &listOf[string]{item: httpURL, min: 1})},
	{name: "candidate", doc: "The candidate's metric pages.", need: true, sample: "[ http://127.0.0.1:9002/metrics ]",
		bind: entry("candidate", &listOf[string]{item: httpURL, min: 1})},
}}
