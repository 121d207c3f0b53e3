package secret_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/linnet-project/linnet/secret"
)

// spelled are the ways in which servers repeat what they were sent.
var spelled = map[string]func(string) string{
	"plain":             func(s string) string { return s },
	"query":             url.QueryEscape,
	"path":              url.PathEscape,
	"path in a query":   func(s string) string { return url.QueryEscape(url.PathEscape(s)) },
	"lower case":        func(s string) string { return lowerPercents(url.QueryEscape(s)) },
	"JSON":              quoted,
	"JSON in JSON":      func(s string) string { return quoted(quoted(s)) },
	"JSON in ASCII":     ascii,
	"JSON of PHP":       func(s string) string { return strings.ReplaceAll(quoted(s), "/", `\/`) },
	"query in JSON":     func(s string) string { return quoted(url.QueryEscape(s)) },
	"JSON in a query":   func(s string) string { return url.QueryEscape(quoted(s)) },
	"quoted by Go":      func(s string) string { return strings.Trim(strconv.Quote(s), `"`) },
	"HTML":              html.EscapeString,
	"base64":            func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 for URLs":   func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"basic":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte("linnet:" + s)) },
	"basic of OAuth2":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x:" + url.QueryEscape(s))) },
	"base64 of all":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("ab" + s + " and more")) },
	"base64 in a query": func(s string) string { return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))) },
	"query in base64": func(s string) string {
		return base64.URLEncoding.EncodeToString([]byte("k=" + url.QueryEscape(s) + "&"))
	},
	"base64 in PHP JSON": func(s string) string {
		return strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(s)), "/", `\/`)
	},
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text[1 : len(text)-1])
}

// ascii is JSON as Python writes it.
func ascii(s string) string {
	var out strings.Builder
	for _, r := range quoted(s) {
		switch {
		case r > 0xFFFF:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xD800+(r-0x10000)>>10, 0xDC00+(r-0x10000)&0x3FF)
		case r > 0x7E:
			fmt.Fprintf(&out, `\u%04X`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func lowerPercents(s string) string {
	for i := range len(s) - 2 {
		if s[i] == '%' {
			s = s[:i] + strings.ToLower(s[i:i+3]) + s[i+3:]
		}
	}
	return s
}

func TestHidden(t *testing.T) {
	for _, s := range []string{
		"t0ken", "four", "eyJhbGciOi.J9-_x/+==", `a"b\c\\d/e'f`, "with a space+plus%25&amp;<x>", "ключ-€-😀", "tab\tin it", "a.b?c=d&e#f", "\xff\xfeab\x80", `\u0041\x41`,
	} {
		for name, spell := range spelled {
			if !utf8.ValidString(s) && (strings.Contains(name, "JSON") || name == "HTML") {
				continue // which lose it
			}
			in := spell(s)
			got := secret.Hidden("you sent <"+in+"> and <"+in+">", []string{"", "one", s})
			if strings.Count(got, "<***>") != 2 || !strings.HasPrefix(got, "you sent <") || strings.Contains(got, in) {
				t.Errorf("%s of %q: %q becomes %q", name, s, in, got)
			}
		}
	}
}

func TestWhatIsNoSecretStays(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"the scope metrics.read":    "the scope metrics.read",
		"one 1 % of \\ & + %zz \\u": "one 1 % of \\ & + %zz \\u",
		"s3cre":                     "s3cre",
		"s3crets3cret":              "***",
		"no s3cret-2, no s3cret":    "no ***, no ***", // one begins with the other
		"s3cret at the front":       "*** at the front",
	} {
		if got := secret.Hidden(text, []string{"s3cret", "s3cret-2", "1"}); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsTold(t *testing.T) {
	for _, tt := range []struct{ said, secret, want string }{
		{"no user s3cret", "s3cret", "no user ***"},
		{"no user s3cret", "", "no user s3cret"},
		{"no user 123", "123", "(not shown, since it may repeat a secret of less than 4 bytes)"},
		{"", "123", ""},
	} {
		if got := secret.Told(tt.said, []string{tt.secret}); got != tt.want {
			t.Errorf("%q with the secret %q is told as %q, want %q", tt.said, tt.secret, got, tt.want)
		}
	}
}

func FuzzHidden(f *testing.F) {
	f.Add("t0ken %74 \\u0074 &#116;0ken", "t0ken", "a")
	f.Add(`\\\\u00`, `\\u0`, "%25")
	f.Fuzz(func(t *testing.T, before, s, after string) {
		got := secret.Hidden(before+s+after, []string{s})
		if len(s) >= secret.Shortest && !strings.Contains(s, "*") && strings.Contains(got, s) {
			t.Errorf("%q tells %q", got, s)
		}
	})
}
