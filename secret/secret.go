// Package secret keeps secrets out of what is told.
package secret

import (
	"slices"
	"strconv"
	"strings"
)

// Shortest is the length that a secret has at least, in bytes, to be hidden:
// hiding every "1" would leave no sentence whole.
const Shortest = 4

const mask = "***"

// Hidden is a text without secrets, those of at least Shortest bytes: as they
// are, and as whoever repeats them may write them (in a URL, in JSON, also within
// JSON or a URL once more, in HTML, in base64, also of something that holds them).
func Hidden(text string, secrets []string) string {
	var all []span
	views := viewsOf(text)
	for _, s := range secrets {
		if len(s) < Shortest {
			continue
		}
		all = append(all, find(views, s, nil)...)
		for _, core := range cores(s) {
			all = append(all, find(views, core, inBase64)...)
		}
	}
	if len(all) == 0 {
		return text
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	var out strings.Builder
	shown := 0
	for _, s := range all {
		if s.to <= shown {
			continue
		}
		if s.from > shown || shown == 0 {
			out.WriteString(text[shown:max(shown, s.from)])
			out.WriteString(mask)
		}
		shown = s.to
	}
	out.WriteString(text[shown:])
	return out.String()
}

// Told is what somebody said who was sent secrets, without them, as Hidden. Where
// one is too short to be found, nothing of it is told.
func Told(said string, secrets []string) string {
	for _, s := range secrets {
		if s != "" && len(s) < Shortest && said != "" {
			return "(not shown, since it may repeat a secret of less than " + strconv.Itoa(Shortest) + " bytes)"
		}
	}
	return Hidden(said, secrets)
}

// span is a piece of a text.
type span struct{ from, to int }

// find is where a text holds a secret, in any spelling. Where more is given, a
// piece grows on both sides by the bytes that it is true of.
func find(views []view, secret string, more func(byte) bool) (all []span) {
	for _, v := range views {
		for from := 0; from < len(v.text); from++ {
			if c := v.text[from]; c != secret[0] && c != '+' && c != '\\' && c != '&' {
				continue // how most go on
			}
			to := match(v.text, from, secret)
			if to < 0 {
				continue
			}
			begin := from
			for more != nil && begin > 0 && more(v.text[begin-1]) {
				begin--
			}
			for more != nil && to < len(v.text) && more(v.text[to]) {
				to++
			}
			all = append(all, span{v.at[begin], v.at[to]})
			from = to - 1
		}
	}
	return all
}

// view is a text as it is after some decoding; at are the places in the text
// that its bytes, and its end, come from.
type view struct {
	text string
	at   []int
}

// mostViews bounds how often a text may have been escaped for a URL.
const mostViews = 4

// viewsOf are a text, and what it becomes with %XX decoded, again and again.
func viewsOf(text string) []view {
	at := make([]int, len(text)+1)
	for i := range at {
		at[i] = i
	}
	views := []view{{text, at}}
	for len(views) < mostViews {
		last := views[len(views)-1]
		next := last.decoded()
		if len(next.text) == len(last.text) {
			break
		}
		views = append(views, next)
	}
	return views
}

func (v view) decoded() view {
	out := make([]byte, 0, len(v.text))
	at := make([]int, 0, len(v.at))
	for i := 0; i < len(v.text); i++ {
		at = append(at, v.at[i])
		c := v.text[i]
		if c == '%' && i+2 < len(v.text) {
			if n, err := strconv.ParseUint(v.text[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		}
		out = append(out, c)
	}
	return view{string(out), append(at, v.at[len(v.text)])}
}
