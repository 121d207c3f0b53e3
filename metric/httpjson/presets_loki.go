package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// loki asks for log lines, counted by Loki: a metric query in LogQL, worked out
// at the end of every step.
var loki = Preset{
	Name:     "loki",
	Settings: map[string]Setting{"tenant": {}},
	Config: Config{
		Access:  web.Config{Headers: map[string]string{"X-Scope-OrgID": "{{tenant}}"}},
		API:     web.API{Title: "Loki's query_range"},
		Path:    "/loki/api/v1/query_range",
		Params:  map[string]string{"query": "{{question}}", "start": "{{fromNs}}", "end": "{{toNs}}", "step": "{{step}}"},
		Step:    15 * time.Second,
		Most:    10_000, // 11,000 points are refused
		Stepped: true,   // longer ranges than the step count a line more than once
		Counted: []string{"count_over_time", "sum_over_time"},
		Mapping: Mapping{
			Rows: []Level{{Each: "$.data.result[*]"}, {Each: "$.values[*]"}},
			Time: "$[0]", TimeFormat: "s", AtEnd: true,
			Tags:     "^$.metric",
			Value:    "$[1]",
			Bound:    "le",
			Warnings: []string{"$.warnings[*]"},
			Errors:   []string{"$.error"},
			Busy:     []string{"deadline exceeded", "timeout", "too many outstanding"},
		},
	},
}
