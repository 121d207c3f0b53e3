package secret

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// match is where a secret ends that a text spells out from a place on; -1 where
// it does not. A character may have been read in several ways (a backslash is
// itself, or begins what stands for another), hence more than one place at a time.
func match(text string, from int, secret string) int {
	places := []int{from}
	for len(secret) > 0 {
		r, size := utf8.DecodeRuneInString(secret)
		var next []int
		for _, at := range places {
			for _, n := range spellings(text[at:], secret[:size], r) {
				if !slices.Contains(next, at+n) {
					next = append(next, at+n)
				}
			}
		}
		if len(next) == 0 {
			return -1
		}
		places, secret = next, secret[size:]
	}
	return slices.Max(places)
}

// spellings are the lengths of what a text begins with that stands for a
// character, which is raw in a secret.
func spellings(text, raw string, r rune) (lengths []int) {
	if text == "" {
		return nil
	}
	if strings.HasPrefix(text, raw) {
		lengths = append(lengths, len(raw))
	}
	switch text[0] {
	case '+':
		if r == ' ' {
			lengths = append(lengths, 1)
		}
	case '\\':
		lengths = append(lengths, escapes(text, raw, r)...)
	case '&':
		lengths = append(lengths, entity(text, r)...)
	}
	return lengths
}

func isHex(text string, b byte) bool {
	return len(text) >= 2 && strings.EqualFold(text[:2], fmt.Sprintf("%02x", b))
}

// escapes reads \", \u20ac, \t and the like, with more backslashes where it was
// escaped more than once.
func escapes(text, raw string, r rune) (lengths []int) {
	slashes := len(text) - len(strings.TrimLeft(text, `\`))
	if raw == `\` { // any number of them may have become of one
		for n := 2; n <= slashes; n++ {
			lengths = append(lengths, n)
		}
	}
	rest := text[slashes:]
	if strings.HasPrefix(rest, raw) && strings.Contains(`"'/`, raw) || r == '\t' && strings.HasPrefix(rest, "t") {
		lengths = append(lengths, slashes+1)
	}
	if len(rest) > 2 && rest[0] == 'x' && len(raw) == 1 && isHex(rest[1:], raw[0]) {
		lengths = append(lengths, slashes+3)
	}
	units := utf16.Encode([]rune{r})
	at := 0
	for i, unit := range units {
		if i > 0 {
			at += len(rest[at:]) - len(strings.TrimLeft(rest[at:], `\`))
		}
		if len(rest) < at+5 || rest[at] != 'u' || !strings.EqualFold(rest[at+1:at+5], fmt.Sprintf("%04x", unit)) {
			return lengths
		}
		at += 5
	}
	return append(lengths, slashes+at)
}

// entity reads &amp;, &#38; and &#x26;.
func entity(text string, r rune) []int {
	name, _, ok := strings.Cut(text[1:min(len(text), 12)], ";")
	if !ok {
		return nil
	}
	named := map[rune]string{'&': "amp", '<': "lt", '>': "gt", '"': "quot", '\'': "apos"}[r]
	number, base := strings.TrimPrefix(name, "#"), 10
	if hex := strings.TrimLeft(number, "xX"); hex != number {
		number, base = hex, 16
	}
	n, err := strconv.ParseUint(number, base, 32)
	if name != named && (err != nil || name[0] != '#' || rune(n) != r) {
		return nil
	}
	return []int{len(name) + 2}
}

// cores are what stays of a secret in base64 whatever stands before and after it,
// in both alphabets; also of one that was escaped for a URL before, as OAuth2 does.
func cores(secret string) (all []string) {
	for before := range 3 {
		for _, s := range []string{secret, url.QueryEscape(secret)} {
			padded := []byte(strings.Repeat("\x00", before) + s)
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				core := e.EncodeToString(padded)[(before*8+5)/6 : len(padded)*8/6]
				if !slices.Contains(all, core) {
					all = append(all, core)
				}
			}
		}
	}
	return all
}

// inBase64 tells that base64 may have this byte, also within JSON.
func inBase64(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || strings.IndexByte(`+/-_=\`, b) >= 0
}
