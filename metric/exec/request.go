package exec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// requestForm is the document that a command reads.
type requestForm struct {
	Version int          `json:"version"`
	Metric  metricForm   `json:"metric"`
	Arms    []armForm    `json:"arms"`
	Windows []windowForm `json:"windows"`
}

type metricForm struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	// Ask are the metric's questions by their keys in the release file.
	Ask map[string]string `json:"ask"`
	By  []string          `json:"by,omitempty"`
}

type armForm struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Labels  map[string]string `json:"labels"`
}

// windowForm is (from, to].
type windowForm struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func requestOf(q release.Query) requestForm {
	m := q.Metric
	kind := string(m.Kind)
	if m.Averages {
		kind = "average"
	}
	r := requestForm{Version: version, Metric: metricForm{Name: m.Name, Kind: kind, By: m.By, Ask: map[string]string{}}}
	ask := func(key, question string) {
		if question != "" {
			r.Metric.Ask[key] = question
		}
	}
	switch m.Kind {
	case release.Ratio:
		ask("bad", m.Events)
		ask("of", m.Of)
	case release.Count:
		ask("events", m.Events)
		ask("per", m.Of)
	default:
		ask(kind, m.Events)
	}
	ask("query", m.Query)
	for _, a := range q.Arms {
		r.Arms = append(r.Arms, armForm{Name: a.Name, Version: a.Version, Labels: a.Labels})
	}
	for _, w := range q.Windows {
		r.Windows = append(r.Windows, windowForm{From: w.From.UTC(), To: w.To.UTC()})
	}
	return r
}
