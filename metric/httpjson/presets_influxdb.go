package httpjson

import (
	"regexp"
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// influxCounts are functions of Flux and of InfluxQL, in which case is free.
var influxCounts = []string{"sum", "SUM", "count", "COUNT", "difference", "DIFFERENCE", "increase"}

// influxWrites is what changes a database: InfluxDB 1 does it even where it is
// asked by GET.
var influxWrites = regexp.MustCompile(`(?i)\b(drop|delete|create|alter|grant|revoke|kill|set)(\s|/\*.*?\*/)+(measurement|series|shard|database|user|retention|continuous|subscription|query|from|all|read|write|password)\b|\binto(\s|/\*.*?\*/)+["\w]|\|>\s*(\w+\.)?to\(`)

// influxDB2 asks InfluxDB 2 in Flux, which answers in CSV. The time of a window
// that aggregateWindow makes is its end.
var influxDB2 = Preset{
	Name: "influxDB", When: "org",
	Settings: map[string]Setting{"org": {Need: true}},
	Secrets:  map[string]Secret{"Authorization": {Setting: "tokenFile", Scheme: "Token {}"}},
	Config: Config{
		API:     web.API{Title: "InfluxDB's /api/v2/query"},
		Path:    "/api/v2/query",
		Params:  map[string]string{"org": "{{org}}"},
		Body:    `{"query": "{{question}}", "type": "flux", "dialect": {"header": true, "annotations": []}}`,
		Method:  "POST",
		Step:    10 * time.Second,
		Stepped: true,
		Counted: influxCounts,
		Writes:  influxWrites,
		Mapping: Mapping{
			CSV:  true,
			Time: "$._time", AtEnd: true,
			Value:  "$._value",
			Bound:  "$.le",
			Errors: []string{"$[*].error", "$.message"},
			Busy:   []string{"timeout", "deadline exceeded", "queue", "too many"},
		},
	},
}

// influxDB1 asks InfluxDB 1, and later ones by their older API, in InfluxQL. A
// series has the tags that it is grouped by; the time of a row is its begin.
var influxDB1 = Preset{
	Name: "influxDB", When: "database",
	Settings: map[string]Setting{"database": {Need: true}, "retentionPolicy": {}},
	Secrets:  map[string]Secret{"Authorization": {Setting: "tokenFile", Scheme: "Token {}"}},
	Config: Config{
		API:     web.API{Title: "InfluxDB's /query"},
		Path:    "/query",
		Params:  map[string]string{"db": "{{database}}", "rp": "{{retentionPolicy}}", "epoch": "ms", "q": "{{question}}"},
		Step:    10 * time.Second,
		Stepped: true,
		Counted: influxCounts,
		Writes:  influxWrites,
		Mapping: Mapping{
			Rows: []Level{{Each: "$.results[*].series[*]"}, {Columns: "$.columns[*]", Cells: "$.values[*]"}},
			Time: "$.time", TimeFormat: "ms",
			Tags: "^$.tags",
			// What a function calls its column, where the question does not.
			Value:    "$['value', 'sum', 'count', 'mean', 'max', 'min', 'last', 'median', 'percentile', 'difference', 'non_negative_difference']",
			Bound:    "le",
			Warnings: []string{"$.results[*].series[*].partial", "$.results[*].messages[*].text"},
			Errors:   []string{"$.error", "$.results[*].error"},
			Busy:     []string{"timeout", "max-concurrent-queries", "shutdown"},
		},
	},
}
