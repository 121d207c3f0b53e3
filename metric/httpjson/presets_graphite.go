package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// graphite asks the render API. A point's time is the begin of its step; from is
// left out of what is answered, until is not. Labels are a series' tags, or stand
// in its name, which an alias can make "version:1_5_0,region:eu".
var graphite = Preset{
	Name: "graphite",
	Config: Config{
		API:  web.API{Title: "Graphite's render API"},
		Path: "/render",
		// Without noCache an answer may be a minute old.
		Params: map[string]string{"target": "{{question}}", "from": "{{before}}", "until": "{{to}}", "format": "json", "noNullPoints": "true", "noCache": "true"},
		Step:   time.Minute,
		Mapping: Mapping{
			Rows: []Level{{Each: "$[*]"}, {Each: "$.datapoints[*]"}},
			Time: "$[1]", TimeFormat: "s",
			Tags:  "^$['tags', 'target']",
			Value: "$[0]",
			Bound: "le",
		},
	},
}
