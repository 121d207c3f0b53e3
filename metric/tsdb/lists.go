package tsdb

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/linnet-project/linnet/metric/series"
)

// selection is what the listing endpoints are asked for.
type selection struct {
	storage.Querier
	hints    *storage.SelectHints
	matchers [][]*labels.Matcher // a union; none for everything
	limit    int
}

// selected reads start, end, match[] and limit. Its querier must be closed.
func (s *Store) selected(r *http.Request) (selection, error) {
	start, err1 := timeOf(r, "start", time.UnixMilli(math.MinInt64/2))
	end, err2 := timeOf(r, "end", time.UnixMilli(math.MaxInt64/2))
	matchers, err3 := parser.NewParser(parser.Options{}).ParseMetricSelectors(r.Form["match[]"])
	if err := errors.Join(err1, err2, err3); err != nil {
		return selection{}, badData("%v", err)
	}
	limit := maxListed
	if text := r.FormValue("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return selection{}, badData("limit must be a number, and not negative")
		}
		if n > 0 {
			limit = min(n, maxListed)
		}
	}
	q, err := s.db.Querier(start.UnixMilli(), end.UnixMilli())
	hints := &storage.SelectHints{Start: start.UnixMilli(), End: end.UnixMilli(), Func: "series"} // no samples
	return selection{Querier: q, hints: hints, matchers: matchers, limit: limit}, err
}

func (s *Store) listSeries(ctx context.Context, r *http.Request) (any, annotations.Annotations, error) {
	sel, err := s.selected(r)
	if err != nil {
		return nil, nil, err
	}
	defer sel.Close()
	if len(sel.matchers) == 0 {
		return nil, nil, badData("no match[] parameter provided")
	}
	all := []labels.Labels{}
	var warnings annotations.Annotations
	for _, matchers := range sel.matchers {
		set := sel.Select(ctx, true, sel.hints, matchers...)
		for set.Next() && len(all) < sel.limit {
			all = append(all, set.At().Labels().Copy())
		}
		warnings.Merge(set.Warnings())
		if set.Err() != nil {
			return nil, nil, set.Err()
		}
	}
	slices.SortFunc(all, labels.Compare)
	return slices.CompactFunc(all, labels.Equal), warnings, nil
}

func (s *Store) listLabels(ctx context.Context, r *http.Request) (any, annotations.Annotations, error) {
	return s.list(ctx, r, func(ctx context.Context, q storage.Querier, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(ctx, nil, m...)
	})
}

func (s *Store) listValues(ctx context.Context, r *http.Request) (any, annotations.Annotations, error) {
	name := model.UnescapeName(r.PathValue("name"), model.ValueEncodingEscaping)
	if !model.UTF8Validation.IsValidLabelName(name) {
		return nil, nil, badData("invalid label name: %q", name)
	}
	return s.list(ctx, r, func(ctx context.Context, q storage.Querier, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(ctx, name, nil, m...)
	})
}

// list gathers strings over the union of selectors.
func (s *Store) list(ctx context.Context, r *http.Request,
	get func(context.Context, storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error),
) (any, annotations.Annotations, error) {
	sel, err := s.selected(r)
	if err != nil {
		return nil, nil, err
	}
	defer sel.Close()
	union := sel.matchers
	if len(union) == 0 {
		union = [][]*labels.Matcher{nil}
	}
	all := []string{}
	var warnings annotations.Annotations
	for _, matchers := range union {
		some, w, err := get(ctx, sel.Querier, matchers)
		if err != nil {
			return nil, nil, err
		}
		warnings.Merge(w)
		for _, text := range some {
			all = append(all, string([]byte(text))) // theirs lives in the querier
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), sel.limit)], warnings, nil
}

func (s *Store) listMetadata(_ context.Context, r *http.Request) (any, annotations.Annotations, error) {
	families := s.scraper.families()
	if name := r.FormValue("metric"); name != "" {
		families = []string{name}
	}
	type entry struct {
		Type string `json:"type"`
		Help string `json:"help"`
		Unit string `json:"unit"`
	}
	all := map[string][]entry{}
	for _, name := range families {
		for _, m := range s.scraper.metadata(name) {
			all[name] = append(all[name], entry{string(m.Type), m.Help, m.Unit})
		}
		if len(all) == series.MaxSeries {
			break
		}
	}
	return all, nil, nil
}
