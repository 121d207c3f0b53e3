package httpjson

import (
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// elasticsearch counts documents of Elasticsearch or OpenSearch, by a query in
// the syntax of query_string, or by a search of one's own in JSON, whose
// aggregation rows is composite and has a date_histogram called time.
var elasticsearch = Preset{
	Name:     "elasticsearch",
	Settings: map[string]Setting{"index": {Need: true}},
	Secrets:  map[string]Secret{"Authorization": {Setting: "apiKeyFile", Scheme: "ApiKey {}"}},
	Config: Config{
		API:    web.API{Title: "Elasticsearch's _search"},
		Method: "POST",
		Path:   "/{{index}}/_search",
		Body: `{"size": 0, "track_total_hits": false, "query": {"bool": {"filter": [
				{"range": {"@timestamp": {"gte": "{{number fromMs}}", "lt": "{{number toMs}}", "format": "epoch_millis"}}},
				{"query_string": {"query": "{{question}}"}}]}},
			"aggs": {"rows": {"composite": {"size": 10000, "sources": [
				{"time": {"date_histogram": {"field": "@timestamp", "fixed_interval": "{{step}}s"}}}]}}}}`,
		Step:       15 * time.Second,
		Most:       10_000,
		Unlabelled: true, // but for a search of one's own
		Mapping: Mapping{
			Rows: []Level{{Each: "$.aggregations.rows.buckets[*]"}},
			Time: "$.key.time", TimeFormat: "ms",
			Tags:  "$.key",
			Value: "$.doc_count",
			Bound: "le",
			// A full page of buckets may lack some.
			Warnings: []string{"$.timed_out", "$._shards.failures[*].reason.reason", "$._shards.failed", "$.aggregations.rows.buckets[9999]"},
			Errors:   []string{"$.error"},
			Busy:     []string{"rejected_execution", "circuit_breaking", "timeout", "too_many_buckets"},
		},
	},
}
