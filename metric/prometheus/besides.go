package prometheus

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/url"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/metric/web"
)

// maxBesides bounds answers that decide nothing.
const maxBesides = 1 << 20

// besides asks for what only helps people; false where there is no answer.
func (s *Source) besides(ctx context.Context, endpoint string, form url.Values, into any) bool {
	_, err := s.web.Ask(ctx, web.Question{
		Path: "/api/v1/" + endpoint, Params: form, Most: maxBesides, Once: true,
		Read: func(body io.Reader) error { return json.NewDecoder(body).Decode(into) },
	})
	return err == nil
}

// metadata asks what a family is declared as; "" where nobody says.
func (s *Source) metadata(ctx context.Context, family string) string {
	var said struct {
		Data map[string][]struct {
			Type string `json:"type"`
		} `json:"data"`
	}
	if s.besides(ctx, "metadata", url.Values{"metric": {family}, "limit": {"1"}}, &said) {
		for _, is := range said.Data[family] {
			return is.Type
		}
	}
	return ""
}

// exemplars asks for the requests that programs remembered; false where the
// server keeps none.
func (s *Source) exemplars(ctx context.Context, selector string, span series.Span) ([]series.Exemplar, bool) {
	var said struct {
		Data []struct {
			Exemplars []struct {
				Labels    map[string]string `json:"labels"`
				Value     string            `json:"value"`
				Timestamp float64           `json:"timestamp"`
			} `json:"exemplars"`
		} `json:"data"`
	}
	form := url.Values{"query": {selector}, "start": {seconds(span.From)}, "end": {seconds(span.To)}}
	if !s.besides(ctx, "query_exemplars", form, &said) {
		return nil, false
	}
	var all []series.Exemplar
	for _, one := range said.Data {
		for _, e := range one.Exemplars {
			v, err := strconv.ParseFloat(e.Value, 64)
			if err == nil && math.Abs(e.Timestamp) < 1e12 {
				all = append(all, series.Exemplar{T: int64(math.Round(e.Timestamp * 1000)), V: v, Trace: series.TraceOf(labels.FromMap(e.Labels))})
			}
		}
	}
	return all, true
}
