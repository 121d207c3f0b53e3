package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// signalFx asks Splunk Observability Cloud for the metric time series that a
// search finds. They come by ids without their dimensions, so each arm is asked
// for by itself; counters are rolled up to sums, gauges to averages.
var signalFx = Preset{
	Name:     "signalFx",
	Settings: map[string]Setting{"realm": {Default: "us0"}},
	Secrets:  map[string]Secret{"X-SF-Token": {Setting: "tokenFile"}},
	Config: Config{
		Access:     web.Config{URL: "https://api.{{realm}}.signalfx.com"},
		API:        web.API{Title: "Splunk Observability Cloud's /v1/timeserieswindow"},
		Path:       "/v1/timeserieswindow",
		Params:     map[string]string{"query": "{{question}}", "startMS": "{{fromMs}}", "endMS": "{{toMs}}", "resolution": "{{stepMs}}"},
		Step:       time.Minute,
		Unlabelled: true,
		Mapping: Mapping{
			Rows: []Level{{Entries: "$.data"}, {Each: "$.value[*]"}},
			Time: "$[0]", TimeFormat: "ms",
			Value:    "$[1]",
			Warnings: []string{"$.errors[*]"},
			Errors:   []string{"$.message"},
		},
	},
}
