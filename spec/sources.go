package spec

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// SourceInfo is a place that metrics come from, as a release file can name it.
type SourceInfo struct {
	// Name is its key under source.
	Name string
	Doc  string
	// Language says in words how a metric is asked for.
	Language string
	// Gives says in words what it can give: counts, buckets, levels, averages.
	Gives string
	// Page is its page under docs.
	Page string
}

// sources is the table of sources, in the order in which they are listed. The
// adapters are in metric/.
var sources = []source{
	{
		SourceInfo: SourceInfo{
			Name: "prometheus", Page: "metrics.md",
			Doc:      "A server that speaks Prometheus' HTTP API.",
			Language: "PromQL selectors; the arm's labels are added",
			Gives:    "counts, buckets, levels",
		},
		bind: at(func(s *Source) **Prometheus { return &s.Prometheus }, optional[Prometheus]{prometheusKeys}),
		of:   func(s Source) sourceForm { return someSource(s.Prometheus) },
	},
	{
		SourceInfo: SourceInfo{
			Name: "embedded", Page: "metrics.md",
			Doc:      "Linnet's own store, which scrapes the arms itself.",
			Language: "PromQL selectors; the arm's labels are added",
			Gives:    "counts, buckets, levels",
		},
		bind: at(func(s *Source) **Embedded { return &s.Embedded }, optional[Embedded]{embeddedKeys}),
		of:   func(s Source) sourceForm { return someSource(s.Embedded) },
	},
	{
		SourceInfo: SourceInfo{
			Name: "json", Page: "json-source.md",
			Doc:      "Any API over HTTP that answers in JSON or CSV; the file says how to ask and where the numbers stand.",
			Language: "the API's own; {{version}} and other values of the arm are put in",
			Gives:    "counts, buckets, levels, averages",
		},
		bind: at(func(s *Source) **JSON { return &s.JSON }, optional[JSON]{jsonKeys}),
		of:   func(s Source) sourceForm { return someSource(s.JSON) },
	},
	vendorSource(SourceInfo{
		Name: "datadog", Page: "json-source.md",
		Doc:      "Datadog, by its queries of metrics.",
		Language: "Datadog's queries; what is counted ends in .as_count()",
		Gives:    "counts, levels, averages",
	}, vendor{
		hosted: "the site's", step: "1m", lag: "2m",
		settings: []setting{
			{name: "site", doc: "The site where the account is, such as datadoghq.eu.", def: "datadoghq.com", kind: hostName.forUse(UseSite)},
			{name: "apiKeyFile", doc: "The file that holds the API key.", need: true, sample: "/run/secrets/datadog-api-key", kind: filePath},
			{name: "appKeyFile", doc: "The file that holds the application key, whose one scope is timeseries_query.", need: true, sample: "/run/secrets/datadog-app-key", kind: filePath},
		},
	}),
	vendorSource(SourceInfo{
		Name: "newRelic", Page: "json-source.md",
		Doc:      "New Relic, by NRQL over NerdGraph.",
		Language: "NRQL without SINCE, UNTIL and TIMESERIES",
		Gives:    "counts, levels, averages",
	}, vendor{
		hosted: "the region's", step: "1m", lag: "2m",
		settings: []setting{
			{name: "account", doc: "The number of the account.", need: true, sample: "1234567", kind: accountNumber},
			{name: "region", doc: "Where the account is: us or eu.", def: "us", kind: oneOf("us", "eu")},
			{name: "apiKeyFile", doc: "The file that holds a user key.", need: true, sample: "/run/secrets/newrelic-key", kind: filePath},
		},
	}),
	vendorSource(SourceInfo{
		Name: "influxDB", Page: "vendors.md",
		Doc:      "InfluxDB: in InfluxQL (version 1, and the older API of later ones) or in Flux (version 2).",
		Language: "InfluxQL, or Flux where org is given",
		Gives:    "counts, buckets, levels, averages",
	}, vendor{
		sample: "http://influxdb:8086", logins: true, step: "10s", lag: "20s",
		exactly: []string{"database", "org"}, apart: [][]string{{"org", "retentionPolicy"}, {"tokenFile", "basicAuth"}, {"tokenFile", "bearerTokenFile"}},
		settings: []setting{
			{name: "database", doc: "The database that is asked in InfluxQL.", sample: "telegraf", kind: freeText},
			{name: "retentionPolicy", doc: "Its retention policy; without, the default one.", kind: freeText},
			{name: "org", doc: "The organisation whose buckets are asked in Flux.", kind: freeText},
			{name: "tokenFile", doc: "The file that holds an API token that may read the bucket.", kind: filePath},
		},
	}),
	vendorSource(SourceInfo{
		Name: "graphite", Page: "vendors.md",
		Doc:      "Graphite, and what has its render API.",
		Language: "Graphite's targets",
		Gives:    "counts, buckets, levels, averages",
	}, vendor{sample: "http://graphite:8080", logins: true, step: "1m", lag: "30s"}),
	vendorSource(SourceInfo{
		Name: "dynatrace", Page: "vendors.md",
		Doc:      "Dynatrace, by its Metrics API v2.",
		Language: "metric selectors; what is counted ends in :sum, :value or :count",
		Gives:    "counts, buckets, levels, averages",
	}, vendor{
		sample: "https://abc12345.live.dynatrace.com", step: "1m", lag: "2m", finest: time.Minute,
		settings: []setting{
			{name: "tokenFile", doc: "The file that holds an access token with the scope metrics.read.", need: true, sample: "/run/secrets/dynatrace-token", kind: filePath},
		},
	}),
	vendorSource(SourceInfo{
		Name: "signalFx", Page: "vendors.md",
		Doc:      "Splunk Observability Cloud, once SignalFx, by its metric time series.",
		Language: "its searches, such as sf_metric:requests AND version:{{version}}",
		Gives:    "counts, levels, averages; no segments",
	}, vendor{
		hosted: "the realm's", step: "1m", lag: "1m",
		settings: []setting{
			{name: "realm", doc: "The realm where the organisation is.", def: "us0", kind: hostName},
			{name: "tokenFile", doc: "The file that holds an access token that may use the API.", need: true, sample: "/run/secrets/signalfx-token", kind: filePath},
		},
	}),
	vendorSource(SourceInfo{
		Name: "loki", Page: "vendors.md",
		Doc:      "Grafana Loki: lines of logs, counted.",
		Language: "LogQL; what is counted is in count_over_time or sum_over_time, over [{{step}}s]",
		Gives:    "counts, buckets, levels, averages",
	}, vendor{
		sample: "http://loki:3100", logins: true, step: "15s", lag: "15s",
		settings: []setting{
			{name: "tenant", doc: "The tenant, where Loki has several.", kind: freeText},
		},
	}),
	vendorSource(SourceInfo{
		Name: "elasticsearch", Page: "vendors.md",
		Doc:      "Elasticsearch or OpenSearch: documents, counted.",
		Language: "the syntax of query_string, or a whole search in JSON",
		Gives:    "counts, buckets, levels, averages",
	}, vendor{
		sample: "https://elasticsearch:9200", logins: true, step: "15s", lag: "30s",
		apart: [][]string{{"apiKeyFile", "basicAuth"}, {"apiKeyFile", "bearerTokenFile"}},
		settings: []setting{
			{name: "index", doc: "The index, data stream or alias to search; several with commas, or with *.", need: true, sample: "logs-checkout-*", kind: freeText},
			{name: "apiKeyFile", doc: "The file that holds an API key, encoded.", kind: filePath},
		},
	}),
	{
		SourceInfo: SourceInfo{
			Name: "cloudWatch", Page: "cloudwatch.md",
			Doc:      "Amazon CloudWatch: its metrics, and logs by Logs Insights.",
			Language: "a metric with its dimensions and a statistic, or a query of Logs Insights",
			Gives:    "counts, buckets, levels, averages",
		},
		bind: at(func(s *Source) **CloudWatch { return &s.CloudWatch }, optional[CloudWatch]{cloudWatchKeys}),
		of:   func(s Source) sourceForm { return someSource(s.CloudWatch) },
	},
	{
		SourceInfo: SourceInfo{
			Name: "googleMonitoring", Page: "google-monitoring.md",
			Doc:      "Google Cloud Monitoring.",
			Language: "filters of its API, with the fields to group by",
			Gives:    "counts, buckets, levels, averages",
		},
		bind: at(func(s *Source) **GoogleMonitoring { return &s.GoogleMonitoring }, optional[GoogleMonitoring]{googleMonitoringKeys}),
		of:   func(s Source) sourceForm { return someSource(s.GoogleMonitoring) },
	},
	{
		SourceInfo: SourceInfo{
			Name: "sql", Page: "sql.md",
			Doc:      "A database: PostgreSQL, MySQL or MariaDB, SQLite, ClickHouse.",
			Language: "SQL, one query for both arms with the columns arm, time and those that count",
			Gives:    "counts, buckets, single values, levels, averages",
		},
		bind: at(func(s *Source) **SQL { return &s.SQL }, optional[SQL]{sqlKeys}),
		of:   func(s Source) sourceForm { return someSource(s.SQL) },
	},
	{
		SourceInfo: SourceInfo{
			Name: "exec", Page: "exec-source.md",
			Doc:      "A command of your own that prints observations.",
			Language: "the command's own; it gets every question as JSON",
			Gives:    "counts, buckets, levels, averages",
		},
		bind: at(func(s *Source) **ExecSource { return &s.Exec }, optional[ExecSource]{execSourceKeys}),
		of:   func(s Source) sourceForm { return someSource(s.Exec) },
	},
}

// source is a row of the table.
type source struct {
	SourceInfo
	bind binding[Source]
	// of gives what a file says of this source; nil where it does not name it.
	of func(Source) sourceForm
}

// sourceForm is what the form of every source tells.
type sourceForm interface {
	// pace is how fine the source's answers are, and how long after a moment
	// they are whole. Looks come no more often, and end no later before now.
	pace() (grain, lag time.Duration)
	// rules checks what must hold between its keys, at a path.
	rules(c *checker, f *File, path string)
}

// Prompt is part of the form of every source that knows of a moment at once.
type Prompt struct{}

func (Prompt) pace() (grain, lag time.Duration) { return 0, 0 }

// someSource is a pointer as a source, nil where it is nil.
func someSource[T any, P interface {
	*T
	sourceForm
}](p P) sourceForm {
	if p == nil {
		return nil
	}
	return p
}

// Sources lists every source.
func Sources() []SourceInfo {
	var out []SourceInfo
	for _, s := range sources {
		out = append(out, s.SourceInfo)
	}
	return out
}

// Kind returns the name of the source that the file names, "" where it names
// none.
func (s Source) Kind() string {
	name, _ := s.named()
	return name
}

// Pace is how fine the source's answers are, and how long after a moment they
// are whole.
func (s Source) Pace() (grain, lag time.Duration) {
	if _, form := s.named(); form != nil {
		return form.pace()
	}
	return 0, 0
}

func (s Source) named() (string, sourceForm) {
	for _, row := range sources {
		if form := row.of(s); form != nil {
			return row.Name, form
		}
	}
	return "", nil
}

// All are the sources of the file, the first of which has no name.
func (a Analysis) All() []Source { return append([]Source{a.Source}, a.Others...) }

// Of returns the source of a name.
func (a Analysis) Of(name string) (Source, bool) {
	all := a.All()
	i := slices.IndexFunc(all, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return all[i], true
}

func sourceNames() []string {
	var out []string
	for _, s := range sources {
		out = append(out, s.Name)
	}
	return out
}

func keysOfSources() []key[Source] {
	var out []key[Source]
	for _, s := range sources {
		out = append(out, key[Source]{name: s.Name, doc: s.Doc, bind: s.bind})
	}
	return out
}

// sourceKeys has a key for every source.
var sourceKeys = &object[Source]{noun: "source", exactly: sourceNames(), keys: keysOfSources()}

// otherKeys are those of a source beside the first.
var otherKeys = &object[Source]{
	noun: "source", exactly: sourceNames(),
	keys: append([]key[Source]{{
		name: "name", doc: "What metrics call this source.", need: true, sample: "orders",
		bind: at(func(s *Source) *string { return &s.Name }, releaseName),
	}}, keysOfSources()...),
}

// Looks come every 15 s and end 5 s before now, where no source needs more.
const (
	usualEvery = 15 * time.Second
	usualDelay = 5 * time.Second
)

func defaultEvery(analysis *node) string {
	grain, _ := slowest(analysis)
	return formatDuration(max(grain, usualEvery))
}

func defaultDelay(analysis *node) string {
	_, lag := slowest(analysis)
	return formatDuration(max(lag, usualDelay))
}

// slowest is what the sources of an analysis need, whatever else is wrong with
// them.
func slowest(analysis *node) (grain, lag time.Duration) {
	quiet := newChecker("")
	var a Analysis
	if n := analysis.get("source"); n != nil {
		sourceKeys.decode(quiet, n, "", &a.Source)
	}
	if n := analysis.get("others"); n != nil {
		(&listOf[Source]{item: otherKeys}).decode(quiet, n, "", &a.Others)
	}
	return a.pace()
}

// pace is what the slowest of the sources needs.
func (a Analysis) pace() (grain, lag time.Duration) {
	for _, s := range a.All() {
		g, l := s.Pace()
		grain, lag = max(grain, g), max(lag, l)
	}
	return grain, lag
}

// sourceRules checks what must hold between sources, and within each.
func sourceRules(c *checker, f *File) {
	const path = "spec.analysis.others"
	first := map[string]int{}
	for i, s := range f.Analysis.Others {
		at := path + "[" + strconv.Itoa(i) + "]"
		if j, ok := first[s.Name]; ok && s.Name != "" {
			c.fail(at+".name", fmt.Sprintf("%s is the name of others[%d] too", clip(s.Name), j), "give each source its own")
		} else {
			first[s.Name] = i
		}
		if name, form := s.named(); form != nil {
			form.rules(c, f, join(at, name))
		}
		if s.Embedded != nil {
			c.fail(at+".embedded", "is a store inside run, which stands alone", "let it be the source, and the other one of others")
		}
	}
	if name, form := f.Analysis.Source.named(); form != nil {
		form.rules(c, f, join("spec.analysis.source", name))
	}
	for i, m := range f.Analysis.Metrics {
		at := "spec.analysis.metrics[" + strconv.Itoa(i) + "].source"
		if _, ok := f.Analysis.Of(m.Source); !ok && c.fine(path, at) {
			c.fail(at, clip(m.Source)+" is none of others", "write the name of one of them, or take it out for the source itself")
		}
	}
	grain, lag := f.Analysis.pace()
	const every, delay = "spec.analysis.every", "spec.analysis.delay"
	if c.fine(every) && f.Analysis.Every < grain {
		c.fail(every, fmt.Sprintf("%s is finer than its sources tell, which is %s", formatDuration(f.Analysis.Every), formatDuration(grain)), "write at least "+formatDuration(grain))
	}
	if c.fine(delay) && f.Analysis.Delay < lag {
		c.fail(delay, fmt.Sprintf("%s is shorter than its sources need to be whole, which is %s", formatDuration(f.Analysis.Delay), formatDuration(lag)), "write at least "+formatDuration(lag))
	}
}

func (p *Prometheus) rules(c *checker, _ *File, path string) { certificateRules(c, p.TLS, path) }

// What is counted on arrival is counted in windows of five seconds that close ten
// seconds after their end, and it takes a moment to be stored. Where there is a
// file of rules it says how long they are, and the delay is held against it when
// it is read.
const (
	receiveGrain = 5 * time.Second
	receiveLag   = 17 * time.Second
)

func (e *Embedded) pace() (grain, lag time.Duration) {
	if e.Receive == nil || e.Receive.Rules != "" {
		return 0, 0
	}
	return receiveGrain, receiveLag
}

func (e *Embedded) rules(c *checker, f *File, path string) {
	if e.Receive == nil && e.Targets == nil && c.fine(path+".targets", path+".receive") {
		c.fail(path, "neither scrapes nor receives anything", "write targets: { baseline: [ … ], candidate: [ … ] }, or receive")
	}
	every := f.Analysis.Every
	if c.fine(path+".interval", "spec.analysis.every") && e.Interval > every {
		c.fail(path+".interval", fmt.Sprintf("%s is longer than every, %s, so that looks would find nothing new", formatDuration(e.Interval), formatDuration(every)), "let it be at most every")
	}
}
