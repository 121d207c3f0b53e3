package httpjson_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// A question is put into the body, or is all of it.
func TestQuestionsInBodies(t *testing.T) {
	srv := serve(t, func(int, request) (int, string) { return http.StatusOK, `{"rows": []}` })
	s := open(t, httpjson.Config{
		Access: web.Config{URL: srv.URL}, Body: `{"find": "{{question}}", "since": "{{number from}}", "all": true}`, Step: time.Minute,
		Mapping: httpjson.Mapping{Rows: []httpjson.Level{{Each: "$.rows[*]"}}, Time: "$.t", TimeFormat: "s", Value: "$.n"},
	})
	for question, want := range map[string]string{
		`code:"500"`: `{"all":true,"find":"code:\"500\"","since":1748865600}`,
		`{"mine": {"from": {{from}}}, "of": ["{{version}}"]}`: `{"mine":{"from":1748865600},"of":["1.4.1"]}`,
		`["{{version}}"]`: `{"all":true,"find":"[\"1.4.1\"]","since":1748865600}`,
	} {
		n := len(srv.requests())
		observe(t, s, release.Metric{Kind: release.Count, Events: question}, minutes(0, 1))
		asked := srv.requests()[n:] // the arms' come at once
		if !slices.ContainsFunc(asked, func(r request) bool { return r.body == want && r.header.Get("Content-Type") == "application/json" }) {
			t.Errorf("asked %+v, want %s among them", asked, want)
		}
	}
}
