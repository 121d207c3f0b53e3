package app

import (
	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/spec"
)

// questionsOf tells what the sources of a release file are asked for each metric
// and arm; nothing of a file that cannot be read any more. No secret is in what is
// asked: those are how, not what.
func questionsOf(text []byte) []report.Question {
	f, err := parseFile("file", text)
	if err != nil {
		return nil
	}
	var out []report.Question
	p := plan.Compile(f)
	for _, m := range p.Metrics {
		source, ok := f.Analysis.Of(m.Source)
		if !ok {
			continue
		}
		for _, arm := range p.Arms {
			out = append(out, asked(source, m, arm, p)...)
		}
	}
	return out
}

// asked tells what one source is asked for one arm: by PromQL with the arm's
// labels; of others as the file has it.
func asked(source spec.Source, m release.Metric, arm release.Arm, p plan.Plan) (out []report.Question) {
	add := func(role, query, graph string) {
		if query != "" {
			out = append(out, report.Question{Metric: m.Name, Arm: arm.Name, Source: source.Kind(), Role: role, Query: query, Graph: graph})
		}
	}
	switch source.Kind() {
	case "prometheus", "embedded":
		all, err := series.Questions(m, arm, p.Every)
		if err != nil {
			return nil
		}
		for _, q := range all {
			add(q.Role, q.Query, q.Graph)
		}
	default:
		add("query", m.Query, "")
		add("events", m.Events, "")
		add("of", m.Of, "")
	}
	return out
}
