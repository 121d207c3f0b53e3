package httpjson

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/release"
)

// Check checks what New does, but neither address nor credentials, which may be
// on another machine; and holds a metric's questions against the arms. Nobody is
// asked. An error wraps release.ErrInvalid.
func (c Config) Check(m release.Metric, arms []release.Arm) error {
	s, err := prepare(c)
	if err != nil {
		return err
	}
	if err := s.check(m, arms); err != nil {
		return fmt.Errorf("metric %s: %w", m.Name, err)
	}
	return nil
}

func (s *Source) check(m release.Metric, arms []release.Arm) error {
	all, err := questions(m)
	if err != nil {
		return err
	}
	if err := s.config.gives(m); err != nil {
		return err
	}
	for _, a := range all {
		for _, arm := range arms {
			values := template.Arm(arm).Span(release.Window{}, time.Second)
			text, err := template.Fill(a.text, values)
			if err == nil {
				_, err = s.request(text, values)
			}
			if err != nil {
				return fmt.Errorf("arm %s: %w", arm.Name, err)
			}
		}
		for _, c := range a.columns {
			if _, err := parsePath(c.name); isPath(c.name) && err != nil {
				return err
			}
		}
		if err := s.config.fits(a.text, m, arms); err != nil {
			return err
		}
	}
	return nil
}

// fits holds a question against what the API asks of one.
func (c Config) fits(text string, m release.Metric, arms []release.Arm) error {
	// A question that is a whole body (see Body) is answered with what it asks for.
	plain := c.Unlabelled && !strings.HasPrefix(strings.TrimSpace(text), "{")
	switch {
	case c.Writes != nil && c.Writes.MatchString(text):
		return fmt.Errorf("%.100q would change the database (%s); a metric only reads: %w", text, c.Writes.FindString(text), release.ErrInvalid)
	case plain && len(m.By) > 0:
		return fmt.Errorf("the source answers %.100q with numbers that have no labels, so there can be no segments (by): %w", text, release.ErrInvalid)
	case plain && !ofArm(text, arms):
		return fmt.Errorf("%.100q must name the arm, such as by {{version}}, since the source's answer does not tell whose a number is: %w", text, release.ErrInvalid)
	case c.Stepped && !stepped(text):
		return fmt.Errorf("%.100q has no {{step}}: what it is answered with must lie in stretches of the source's step, or is counted twice or not at all: %w",
			text, release.ErrInvalid)
	case m.Kind != release.Gauge && !c.counts(text):
		return fmt.Errorf("%.100q has no %s, and would be answered with rates or averages, not counts: %w",
			text, strings.Join(c.Counted, " or "), release.ErrInvalid)
	}
	return nil
}

// ofArm tells whether a question is another one for each arm.
func ofArm(text string, arms []release.Arm) bool {
	names, err := template.Names(text)
	return err == nil && template.Apart(names, arms)
}

// gives tells whether the answers can have what a metric needs.
func (c Config) gives(m release.Metric) error {
	switch {
	case m.Kind == release.Histogram && c.Bound == "":
		return fmt.Errorf("the source's answers have no buckets (bound): %w", release.ErrInvalid)
	case m.Query == "" && c.Value == "":
		return fmt.Errorf("the source does not say where the number is (value); write it there, or give the metric a query: %w", release.ErrInvalid)
	}
	return nil
}

// counts tells whether a question is one that is answered with counts.
func (c Config) counts(text string) bool {
	return len(c.Counted) == 0 || slices.ContainsFunc(c.Counted, func(word string) bool { return strings.Contains(text, word) })
}

// stepped tells whether a question says how long its stretches are.
func stepped(text string) bool {
	names, err := template.Names(text)
	return err == nil && (slices.Contains(names, "step") || slices.Contains(names, "stepMs"))
}

// CheckFor is Config.Check of the preset of that name, whatever its settings.
func CheckFor(name string) func(release.Metric, []release.Arm) error {
	return func(m release.Metric, arms []release.Arm) error {
		for _, p := range presets {
			if p.Name != name {
				continue
			}
			c := p.Config
			c.API.Name, c.Values = p.Name, map[string]string{}
			for setting := range p.Settings {
				c.Values[setting] = "1"
			}
			return c.Check(m, arms)
		}
		return lacking(name)
	}
}
