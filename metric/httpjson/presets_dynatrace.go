package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// dynatrace asks for data points by a metric selector (Metrics API v2). Times are
// the ends of slots of a minute, the finest there is; slots without anything are
// null.
var dynatrace = Preset{
	Name:    "dynatrace",
	Secrets: map[string]Secret{"Authorization": {Setting: "tokenFile", Scheme: "Api-Token {}"}},
	Config: Config{
		API:    web.API{Title: "Dynatrace's metrics API"},
		Path:   "/api/v2/metrics/query",
		Params: map[string]string{"metricSelector": "{{question}}", "resolution": "1m", "from": "{{fromMs}}", "to": "{{toMs}}"},
		Step:   time.Minute,
		Most:   10_080,
		// :avg and the like of a count are no counts, nor are rates.
		Counted: []string{":sum", ":value", ":count"},
		Mapping: Mapping{
			Rows: []Level{{Each: "$.result[*].data[*]"}, {Zip: map[string]string{"time": "$.timestamps[*]", "value": "$.values[*]"}}},
			Time: "$.time", TimeFormat: "ms", AtEnd: true,
			Tags:     "^$.dimensionMap",
			Value:    "$.value",
			Bound:    "le",
			Warnings: []string{"$.warnings[*]", "$.result[*].warnings[*]"},
			Errors:   []string{"$.error"},
			Busy:     []string{"timeout", "too many requests"},
			Next:     Next{Path: "$.nextPageKey", Param: "nextPageKey", Alone: true},
		},
	},
}
