package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// datadog asks for timeseries of metrics (version 2 of the API). A series of the
// answer has the tags of its group; its numbers and the times that all series
// share stand beside.
var datadog = Preset{
	Name:     "datadog",
	Settings: map[string]Setting{"site": {Default: "datadoghq.com"}},
	Secrets: map[string]Secret{
		"DD-API-KEY":         {Setting: "apiKeyFile"},
		"DD-APPLICATION-KEY": {Setting: "appKeyFile"},
	},
	Config: Config{
		Access: web.Config{URL: "https://api.{{site}}"},
		API:    web.API{Title: "Datadog's API", Reset: "X-RateLimit-Reset"},
		Path:   "/api/v2/query/timeseries",
		Body: `{"data": {"type": "timeseries_request", "attributes": {
			"from": "{{number fromMs}}", "to": "{{number toMs}}", "interval": "{{number stepMs}}",
			"queries": [{"data_source": "metrics", "name": "a", "query": "{{question}}"}],
			"formulas": [{"formula": "a"}]}}}`,
		Step: time.Minute,
		// It answers more points with longer intervals than asked for.
		Most:    240,
		Counted: []string{".as_count()"},
		Mapping: Mapping{
			Rows: []Level{
				{Zip: map[string]string{"series": "$.data.attributes.series[*]", "values": "$.data.attributes.values[*]"}},
				{Zip: map[string]string{"time": "^$.data.attributes.times[*]", "value": "$.values[*]"}},
			},
			Time: "$.time", TimeFormat: "ms",
			Tags:   "^$.series.group_tags",
			Value:  "$.value",
			Errors: []string{"$.errors[*]", "$.errors"},
			Busy:   []string{"timeout", "timed out", "rate limit"},
		},
	},
}
