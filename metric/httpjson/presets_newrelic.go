package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// newRelic asks NerdGraph, their GraphQL API, for NRQL. What goes wrong is told
// in an answer with status 200.
var newRelic = Preset{
	Name: "newRelic",
	Settings: map[string]Setting{
		"account": {Need: true},
		"region":  {Default: "us", Means: map[string]string{"us": "api.newrelic.com", "eu": "api.eu.newrelic.com"}},
	},
	Secrets: map[string]Secret{"API-Key": {Setting: "apiKeyFile"}},
	Config: Config{
		Access: web.Config{URL: "https://{{region}}"},
		API:    web.API{Title: "New Relic's NerdGraph"},
		Path:   "/graphql",
		Body: `{"query": "query($account: Int!, $nrql: Nrql!) { actor { account(id: $account) { nrql(query: $nrql, timeout: 10) { results } } } }",
			"variables": {"account": "{{number account}}",
				"nrql": "{{question}} SINCE {{fromMs}} UNTIL {{toMs}} TIMESERIES {{step}} SECONDS"}}`,
		Step: time.Minute,
		Most: 366, // buckets of TIMESERIES
		Mapping: Mapping{
			Rows: []Level{{Each: "$.data.actor.account.nrql.results[*]"}},
			Time: "$.endTimeSeconds", TimeFormat: "s", AtEnd: true,
			Arm:    "$.facet",
			Value:  "$['value', 'count']",
			Errors: []string{"$.errors[*]"},
			Busy:   []string{"timeout", "timed out", "too_many_requests", "rate limit", "server_error"},
		},
	},
}
