// Package template puts values into the questions that are asked of a source:
// {{version}} is the value of the arm's label version. Values that could mean
// something to the language around them are refused, so that a label cannot
// change the question.
package template

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Values are what a question may use, by name.
type Values map[string]string

// Arm gives the values of an arm: its name as arm, its version, and its labels
// by their names, which go before the others.
func Arm(a release.Arm) Values {
	v := Values{"arm": a.Name, "version": a.Version}
	maps.Copy(v, a.Labels)
	return v
}

// Apart tells whether a text that uses these names is another one for each arm. One
// that is not, since it uses what the arms have in common, asks for both at once.
func Apart(names []string, arms []release.Arm) bool {
	for _, name := range names {
		for i := range arms {
			was, had := Arm(arms[0])[name]
			is, has := Arm(arms[i])[name]
			if is != was || has != had {
				return true
			}
		}
	}
	return false
}

// Span adds the values of a stretch of time: from and to in seconds since 1970,
// fromMs and toMs in milliseconds, fromNs and toNs in nanoseconds, fromTime and
// toTime as RFC 3339 in UTC, before, the second before from, and step, the grain
// in whole seconds, and stepMs.
func (v Values) Span(w release.Window, grain time.Duration) Values {
	all := maps.Clone(v)
	for name, t := range map[string]time.Time{"from": w.From, "to": w.To} {
		all[name] = strconv.FormatInt(t.Unix(), 10)
		all[name+"Ms"] = strconv.FormatInt(t.UnixMilli(), 10)
		all[name+"Ns"] = strconv.FormatInt(t.UnixNano(), 10)
		all[name+"Time"] = t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	all["before"] = strconv.FormatInt(w.From.Unix()-1, 10)
	step := max(1, int64(grain/time.Second))
	all["step"], all["stepMs"] = strconv.FormatInt(step, 10), strconv.FormatInt(1000*step, 10)
	return all
}

// With adds one value.
func (v Values) With(name, value string) Values {
	all := maps.Clone(v)
	all[name] = value
	return all
}

// Names lists what a text uses, in the order in which it does. An open brace
// without its end is release.ErrInvalid.
func Names(text string) ([]string, error) {
	var names []string
	_, err := fill(text, func(name string) (string, error) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		return "", nil
	})
	return names, err
}

// Fill puts values into a text. An unknown name, and a value of an arm with
// other characters than letters, digits and _ - . : / @ +, are
// release.ErrInvalid.
func Fill(text string, v Values) (string, error) { return Insert(text, v, nil) }

// Insert is Fill for a text around which everything is escaped: the values of
// texts, which go before those of v, may hold any character.
func Insert(text string, v Values, texts map[string]string) (string, error) {
	return fill(text, func(name string) (string, error) {
		if value, ok := texts[name]; ok {
			return value, nil
		}
		value, ok := v[name]
		switch {
		case !ok:
			return "", fmt.Errorf("{{%.40s}} is not known here; known: %s: %w", name, strings.Join(slices.Sorted(maps.Keys(v)), ", "), release.ErrInvalid)
		case strings.ContainsFunc(value, unsafe):
			return "", fmt.Errorf("{{%.40s}} is %.60q, which may only hold letters, digits and _ - . : / @ +, so that it cannot change the question: %w", name, value, release.ErrInvalid)
		}
		return value, nil
	})
}

func unsafe(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/@+", r))
}

func fill(text string, value func(name string) (string, error)) (string, error) {
	var b strings.Builder
	rest := text
	for {
		before, after, ok := strings.Cut(rest, "{{")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		name, left, ok := strings.Cut(after, "}}")
		if !ok {
			return "", fmt.Errorf("%.60q has {{ without }}: %w", text, release.ErrInvalid)
		}
		v, err := value(strings.TrimSpace(name))
		if err != nil {
			return "", err
		}
		b.WriteString(v)
		rest = left
	}
}
