package spec

import "time"

// grouped is a key whose mapping may be left out, and then has the defaults of
// the keys below.
func grouped[T any](name, doc string, bind binding[T]) key[T] {
	return key[T]{name: name, doc: doc, words: "see below", derive: func(*node) string { return "{}" }, bind: bind}
}

var ingestSpecKeys = &object[Ingest]{atMost: [][]string{{"keep", "drop"}}, keys: []key[Ingest]{
	{name: "require", doc: "Tags that every event must have; `version|arm` asks for one of the two.", def: "[service, version|arm]",
		bind: at(func(i *Ingest) *[]string { return &i.Require }, &listOf[string]{item: alternatives})},
	{name: "fill", doc: "What a tag is where an event leaves it out.", words: "nothing",
		bind: at(func(i *Ingest) *map[string]string { return &i.Fill }, texts(labelName, freeText, 0))},
	{name: "rename", doc: "New names of tags, by the old ones: of events and of series. A tag that has the new name already stays, and the old one goes.", words: "none",
		bind: at(func(i *Ingest) *map[string]string { return &i.Rename }, texts(senderName, labelName, 0))},
	{name: "keep", doc: "The tags of events that are kept, by their new names, besides service, version, arm and route.", words: "all",
		bind: at(func(i *Ingest) *[]string { return &i.Keep }, &listOf[string]{item: labelName})},
	{name: "drop", doc: "Tags that are left out, of events and of series, by their new names.", words: "none",
		bind: at(func(i *Ingest) *[]string { return &i.Drop }, &listOf[string]{item: labelName})},
	{name: "fields", doc: "Fields that the schema of events does not know and that are to be tags. Those that `rename` names are too; the others stay in the log.", words: "none",
		bind: at(func(i *Ingest) *[]string { return &i.Fields }, &listOf[string]{item: senderName})},
	{name: "units", doc: "Units of values that come without one. The first that fits holds.", words: "durations in seconds, the rest in base units",
		bind: at(func(i *Ingest) *[]IngestUnit { return &i.Units }, &listOf[IngestUnit]{item: ingestUnitKeys})},
	{name: "ranges", doc: "What values can be. All that fit hold.", def: `[{match: "*.duration", atLeast: 0, atMost: 86400}]`,
		bind: at(func(i *Ingest) *[]IngestRange { return &i.Ranges }, &listOf[IngestRange]{item: ingestRangeKeys})},
	grouped("series", "What holds for series that senders count themselves: remote write, OTLP metrics, gauges of StatsD.",
		at(func(i *Ingest) *IngestSeries { return &i.Series }, ingestSeriesKeys)),
	grouped("time", "Which times are taken, and how events are put into windows.", within(ingestTimeKeys)),
	grouped("limits", "How much a sender can make the front door keep.",
		at(func(i *Ingest) *IngestLimits { return &i.Limits }, ingestLimitKeys)),
	{name: "sampling", doc: "How much of some events is kept. The first that fits holds. Counts are scaled up by it, and the judge knows.", words: "all are kept",
		bind: at(func(i *Ingest) *[]IngestSampling { return &i.Sampling }, &listOf[IngestSampling]{item: ingestSamplingKeys})},
	retained("store", "How much of the series is kept.", "15d", "10GiB", func(i *Ingest) *Retention { return &i.Store }),
	retained("log", "How much of what came in is kept as it came, to be replayed.", "2d", "5GiB", func(i *Ingest) *Retention { return &i.Log }),
	retained("quarantine", "How much of what was refused is kept.", "7d", "256MiB", func(i *Ingest) *Retention { return &i.Quarantine }),
	{name: "forward", doc: "A store that speaks Prometheus' remote write and gets all samples too: Mimir, Thanos, VictoriaMetrics.", words: "nowhere",
		bind: at(func(i *Ingest) **Forward { return &i.Forward }, optional[Forward]{forwardKeys})},
}}

var ingestUnitKeys = &object[IngestUnit]{keys: []key[IngestUnit]{
	{name: "match", doc: "The name of a series, or of an event with `.duration` or `.value` behind it; `*` stands for anything.", need: true, sample: "order.value",
		bind: at(func(u *IngestUnit) *string { return &u.Match }, pattern)},
	{name: "unit", doc: "The unit that it comes in.", need: true, sample: "ms",
		bind: at(func(u *IngestUnit) *string { return &u.Unit }, oneOf(IngestUnits()...))},
}}

var ingestRangeKeys = &object[IngestRange]{keys: []key[IngestRange]{
	{name: "match", doc: "As in `units`.", need: true, sample: "order.value",
		bind: at(func(r *IngestRange) *string { return &r.Match }, pattern)},
	{name: "atLeast", doc: "The least that can be, in base units.", words: "no bound",
		bind: at(func(r *IngestRange) **float64 { return &r.AtLeast }, optional[float64]{bounds})},
	{name: "atMost", doc: "The most that can be, in base units.", words: "no bound",
		bind: at(func(r *IngestRange) **float64 { return &r.AtMost }, optional[float64]{bounds})},
}}

var ingestSeriesKeys = &object[IngestSeries]{keys: []key[IngestSeries]{
	{name: "require", doc: "Labels that every series must have; see `spec.require`.", words: "none",
		bind: at(func(s *IngestSeries) *[]string { return &s.Require }, &listOf[string]{item: alternatives})},
	{name: "unitsByName", doc: "Whether a series whose name ends in a unit is turned into base units: `latency_milliseconds` into `latency_seconds`.", def: "false",
		bind: at(func(s *IngestSeries) *bool { return &s.UnitsByName }, booleans)},
}}

var ingestTimeKeys = &object[Ingest]{keys: []key[Ingest]{
	{name: "tooOld", doc: "How far back the time of an event or sample may lie.", def: "1d",
		bind: at(func(i *Ingest) *time.Duration { return &i.TooOld }, between(durations, time.Second, maxDuration))},
	{name: "future", doc: "How far ahead of our clock it may lie.", def: "1m",
		bind: at(func(i *Ingest) *time.Duration { return &i.Future }, between(durations, 0, day))},
	{name: "window", doc: "The length of the stretches that events are counted by.", def: "5s",
		bind: at(func(i *Ingest) *time.Duration { return &i.Window }, between(durations, time.Second, time.Hour))},
	{name: "lateness", doc: "How long after its end a window still takes events, by the clock of events. Later ones are refused.", def: "10s",
		bind: at(func(i *Ingest) *time.Duration { return &i.Lateness }, between(durations, 0, day))},
	{name: "dedupe", doc: "How long the id of an event or a batch is remembered: seen again within that time, it counts once. 0s for not at all.", def: "1h",
		bind: at(func(i *Ingest) *time.Duration { return &i.Dedupe }, between(durations, 0, 7*day))},
}}

var ingestLimitKeys = &object[IngestLimits]{keys: []key[IngestLimits]{
	{name: "batch", doc: "The most that one batch may hold, unpacked.", def: "16MiB",
		bind: at(func(l *IngestLimits) *int64 { return &l.Batch }, between(sizes, 1<<10, 256<<20))},
	{name: "series", doc: "How many series a tenant may have at once.", def: "10000",
		bind: at(func(l *IngestLimits) *int64 { return &l.Series }, between(wholes, 1, 10_000_000))},
	{name: "tags", doc: "How many tags an event or series may have.", def: "30",
		bind: at(func(l *IngestLimits) *int64 { return &l.Tags }, between(wholes, 1, 200))},
	{name: "tag", doc: "How long the value of a tag may be.", def: "256B",
		bind: at(func(l *IngestLimits) *int64 { return &l.Tag }, between(sizes, 1, 4<<10))},
	{name: "tenants", doc: "Tenants with limits of their own.", words: "none",
		bind: at(func(l *IngestLimits) *[]IngestTenant { return &l.Tenants }, &listOf[IngestTenant]{item: ingestTenantKeys})},
}}

var ingestTenantKeys = &object[IngestTenant]{keys: []key[IngestTenant]{
	{name: "name", doc: "The tenant, as in X-Scope-OrgID.", need: true, sample: "shop",
		bind: at(func(t *IngestTenant) *string { return &t.Name }, tagName)},
	{name: "series", doc: "How many series it may have at once.", need: true, sample: "50000",
		bind: at(func(t *IngestTenant) *int64 { return &t.Series }, between(wholes, 1, 10_000_000))},
}}

var ingestSamplingKeys = &object[IngestSampling]{keys: []key[IngestSampling]{
	{name: "service", doc: "The services it is for; `*` stands for anything.", def: `"*"`,
		bind: at(func(s *IngestSampling) *string { return &s.Service }, pattern)},
	{name: "route", doc: "The routes it is for.", def: `"*"`,
		bind: at(func(s *IngestSampling) *string { return &s.Route }, pattern)},
	{name: "name", doc: "The events it is for.", def: `"*"`,
		bind: at(func(s *IngestSampling) *string { return &s.Name }, pattern)},
	{name: "keep", doc: "The share that is kept: of whole traces where there is a trace's id, else of events.", need: true, sample: "10%",
		bind: at(func(s *IngestSampling) *float64 { return &s.Keep }, percents)},
	{name: "keepErrors", doc: "Whether errors are all kept.", def: "true",
		bind: at(func(s *IngestSampling) *bool { return &s.KeepErrors }, booleans)},
}}

// retained is a key with a Retention.
func retained(name, doc, long, size string, place func(*Ingest) *Retention) key[Ingest] {
	return grouped(name, doc, at(place, &object[Retention]{keys: []key[Retention]{
		{name: "for", doc: "What is older goes.", def: long,
			bind: at(func(r *Retention) *time.Duration { return &r.For }, between(durations, time.Minute, maxDuration))},
		{name: "size", doc: "Where it is more, the oldest goes.", def: size,
			bind: at(func(r *Retention) *int64 { return &r.Size }, between(sizes, 1<<20, 1<<50))},
	}}))
}

var forwardKeys = &object[Forward]{atMost: [][]string{{"bearerTokenFile", "basicAuth"}}, keys: []key[Forward]{
	{name: "url", doc: "Its address for remote write.", need: true, sample: "http://mimir:9009/api/v1/push",
		bind: at(func(f *Forward) *string { return &f.URL }, httpURL)},
	{name: "bearerTokenFile", doc: "The file that holds the bearer token.",
		bind: at(func(f *Forward) *string { return &f.BearerTokenFile }, filePath)},
	{name: "basicAuth", doc: "A user and the file that holds the password.", bind: within(forwardAuthKeys)},
	{name: "headers", doc: "Headers to send along, such as X-Scope-OrgID. No secrets: they would be in the file.",
		bind: at(func(f *Forward) *map[string]string { return &f.Headers }, texts(openHeader, headerValue, 0))},
	{name: "tls", doc: "How its certificate is checked, and what is shown to it.",
		bind: at(func(f *Forward) *TLS { return &f.TLS }, tlsKeys)},
	{name: "timeout", doc: "How long one request may take.", def: "30s",
		bind: at(func(f *Forward) *time.Duration { return &f.Timeout }, between(durations, 100*time.Millisecond, 5*time.Minute))},
}}

var forwardAuthKeys = &object[Forward]{keys: []key[Forward]{
	{name: "username", doc: "The user.", need: true, sample: "linnet",
		bind: at(func(f *Forward) *string { return &f.Username }, freeText)},
	{name: "passwordFile", doc: "The file that holds the password.", need: true, sample: "/run/secrets/mimir",
		bind: at(func(f *Forward) *string { return &f.PasswordFile }, filePath)},
}}
