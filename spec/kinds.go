package spec

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// The scalars that release files are made of.
var (
	freeText = &kind[string]{noun: "text", parse: parseText, format: same}
	// paragraph is text of several lines.
	paragraph = &kind[string]{noun: "text, of several lines if you like", parse: parseParagraph, format: same}
	// selector is PromQL; it is parsed where it is used, and by lint.
	selector = &kind[string]{noun: "a PromQL selector", parse: parseSelector, format: same}
	// A path or address that is in a release file is one that a server uses, and
	// settings say which those may be; see Uses.
	filePath  = &kind[string]{noun: "a file's path", parse: parseText, format: same, use: UseFile}
	writePath = &kind[string]{noun: "a file's path", parse: parseText, format: same, use: UseWrite}
	httpURL   = &kind[string]{noun: "a URL", pattern: urlPattern, secret: true, parse: parseURL, format: same, use: UseHost}
	// credentialURL gets credentials of the server's own, linkURL is only shown.
	credentialURL = &kind[string]{noun: "a URL", pattern: urlPattern, secret: true, parse: parseURL, format: same, use: UseOwn}
	linkURL       = &kind[string]{noun: "a URL", pattern: urlPattern, secret: true, parse: parseURL, format: same}
	commandWord   = &kind[string]{noun: "text", parse: parseText, format: same, use: UseCommand}
	urlPath       = &kind[string]{noun: "a URL's path", pattern: "^/", parse: parseURLPath, format: same}
	address       = &kind[string]{noun: "an address (host:port)", pattern: `^.*:[0-9]{1,5}$`, parse: parseAddress, format: same}
	listenAddress = &kind[string]{noun: address.noun, pattern: address.pattern, parse: parseAddress, format: same, use: UseListen}

	releaseName = named("a name of lower-case letters, digits, - and .", `^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`, isReleaseName)
	metricName  = named("a name of letters, digits, _, - and .", `^[A-Za-z_][A-Za-z0-9_.-]{0,62}$`, isMetricName)
	labelName   = named("a label name of letters, digits and _", `^([A-Za-z]|_([A-Za-z0-9]|$))[A-Za-z0-9_]{0,61}$`, isLabelName)
	tagName     = named("a name of letters, digits, _, -, . and /", `^[A-Za-z0-9_./-]{1,63}$`, isTagName)
	headerName  = named("a header's or cookie's name", "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,63}$", isToken)
	openHeader  = &kind[string]{noun: "a header's name", pattern: headerName.pattern, parse: parseOpenHeader, format: same}
	headerValue = &kind[string]{noun: "text", secret: true, parse: parseText, format: same}

	durations = &kind[time.Duration]{noun: "a duration", classes: textOnly,
		pattern: `^[0-9]+d([0-9.]+(h|ms|m|s|us|µs|ns))*$|^([0-9.]+(h|ms|m|s|us|µs|ns))+$`,
		parse:   parseDuration, format: formatDuration}
	percents = &kind[float64]{noun: "a percentage", classes: textOnly, pattern: `^[0-9]+(\.[0-9]+)?%$`, parse: parsePercent, format: formatPercent}
	factors  = &kind[float64]{noun: "a factor", classes: textOnly, pattern: `^[0-9]+(\.[0-9]+)?x$`, parse: parseFactor, format: formatFactor}
	weights  = &kind[release.Weight]{noun: "a percentage, in steps of 0.001%", classes: textOnly,
		pattern: `^[0-9]{1,3}(\.[0-9]{1,3}0*)?%$`, parse: parseWeight, format: formatWeight}
	quantities = &kind[quantity]{noun: "a number, percentage, duration or rate",
		pattern: `^([-+]?[0-9.]+([eE][-+]?[0-9]+)?|[0-9.]+%|[0-9.]+/[smh]|([0-9.]+(d|h|ms|m|s|us|µs|ns))+)$`,
		parse:   parseQuantity, format: formatQuantity}
	wholes   = &kind[int64]{noun: "a whole number", classes: []class{number}, parse: parseWhole, format: formatWhole}
	booleans = &kind[bool]{noun: "true or false", classes: []class{boolean}, parse: parseBool, format: strconv.FormatBool}
	instants = &kind[time.Time]{noun: "a time (RFC 3339)", classes: textOnly,
		pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[-+][0-9]{2}:[0-9]{2})$`, parse: parseInstant, format: formatInstant}
)

// textOnly leaves numbers to be read too: only the kind's own parser can say
// which unit they lack. The schema says text.
var textOnly = []class{word, number}

const urlPattern = `^https?://[^/?#@]+([/?#].*)?$`

func same(s string) string { return s }

// maxText and maxSelector bound texts, in bytes.
const (
	maxText      = 1_000
	maxParagraph = 4_000
	maxSelector  = 10_000
)

func parseText(s string) (string, fault) {
	switch {
	case strings.TrimSpace(s) == "":
		return "", fault{"is empty", "write some text, or take the key out"}
	case len(s) > maxText:
		return "", fault{"is longer than 1,000 bytes", "shorten it"}
	case strings.ContainsFunc(s, control):
		return "", fault{"has a line break or control character", "write it on one line"}
	}
	return s, fault{}
}

func parseSelector(s string) (string, fault) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", fault{"is empty", "write a metric's name or a selector such as requests_total{code=\"500\"}"}
	case len(s) > maxSelector:
		return "", fault{"is longer than 10,000 bytes", "shorten it"}
	case strings.ContainsFunc(s, func(r rune) bool { return control(r) && r != '\n' && r != '\t' }):
		return "", fault{"has a control character", "take it out"}
	}
	return s, fault{}
}

func parseParagraph(s string) (string, fault) {
	switch {
	case strings.TrimSpace(s) == "":
		return "", fault{"is empty", "write some text, or take the key out"}
	case len(s) > maxParagraph:
		return "", fault{"is longer than 4,000 bytes", "shorten it, and link to the rest"}
	case strings.ContainsFunc(s, func(r rune) bool { return control(r) && r != '\n' && r != '\t' }):
		return "", fault{"has a control character", "take it out"}
	}
	return s, fault{}
}

func parseURL(s string) (string, fault) {
	u, err := url.Parse(s)
	switch {
	case err != nil || strings.ContainsFunc(s, control) || strings.Contains(s, " "):
		return "", fault{"is not a URL", "write one such as http://localhost:9090"}
	case u.Scheme != "http" && u.Scheme != "https":
		return "", fault{"does not begin with http:// or https://", "write one such as http://localhost:9090"}
	case u.Hostname() == "":
		return "", fault{"has no host", "write one such as http://localhost:9090"}
	case u.User != nil:
		return "", fault{"holds a user or password", "take them out; secrets belong in files of their own, which the keys ending in File name"}
	case len(s) > maxText:
		return "", fault{"is longer than 1,000 bytes", "shorten it"}
	}
	return s, fault{}
}

func parseURLPath(s string) (string, fault) {
	if s, bad := parseText(s); bad != (fault{}) {
		return s, bad
	}
	if s[0] != '/' || strings.Contains(s, " ") {
		return "", fault{"is not a URL's path", "write one such as /healthz"}
	}
	return s, fault{}
}

func parseAddress(s string) (string, fault) {
	const hint = "write host:port, such as 127.0.0.1:8080 or :8080"
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return "", fault{"has no port", hint}
	}
	host, port := s[:colon], s[colon+1:]
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", fault{"has no port from 0 to 65535", hint}
	}
	bracketed := strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")
	if strings.ContainsFunc(host, control) || strings.ContainsAny(host, " /@") || len(host) > 253 ||
		strings.Contains(host, ":") != bracketed {
		return "", fault{"is not an address", hint}
	}
	return s, fault{}
}

func parseOpenHeader(s string) (string, fault) {
	switch strings.ToLower(s) {
	case "authorization", "proxy-authorization", "cookie":
		return "", fault{"would put a secret into the file", "use a key that names a file with it, such as bearerTokenFile"}
	}
	return headerName.parse(s)
}

func parseWhole(s string) (int64, fault) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fault{"is not a whole number", "write one such as 100"}
	}
	return n, fault{}
}

func formatWhole(n int64) string { return strconv.FormatInt(n, 10) }

func parseBool(s string) (bool, fault) {
	switch strings.ToLower(s) {
	case "true":
		return true, fault{}
	case "false":
		return false, fault{}
	}
	return false, fault{"is not true or false", "write true or false"}
}

func parseInstant(s string) (time.Time, fault) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fault{"is not a time", "write one such as 2026-01-02T15:04:05Z or 2026-01-02T15:04:05+01:00"}
	}
	if t = t.UTC(); t.Year() < 2000 || t.Year() > 2199 {
		return time.Time{}, fault{"lies outside this and the next century", "write one such as 2026-01-02T15:04:05Z"}
	}
	return t, fault{}
}

func formatInstant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// named is a kind for names of a closed alphabet.
func named(noun, pattern string, ok func(string) bool) *kind[string] {
	return &kind[string]{noun: noun, pattern: pattern, format: same, parse: func(s string) (string, fault) {
		switch {
		case s == "":
			return "", fault{"is empty", "write " + noun}
		case len(s) > 63:
			return "", fault{"is longer than 63 characters", "shorten it"}
		case !ok(s):
			return "", fault{"is no such name", "write " + noun}
		}
		return s, fault{}
	}}
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }

func isReleaseName(s string) bool {
	return only(s, lower+digits+"-.") && only(s[:1], lower+digits) && only(s[len(s)-1:], lower+digits)
}

func isMetricName(s string) bool {
	return only(s, lower+upper+digits+"_-.") && only(s[:1], lower+upper+"_")
}

func isLabelName(s string) bool {
	return only(s, lower+upper+digits+"_") && only(s[:1], lower+upper+"_") && !strings.HasPrefix(s, "__")
}

func isTagName(s string) bool { return only(s, lower+upper+digits+"_-./") }

func isToken(s string) bool { return only(s, lower+upper+digits+"!#$%&'*+-.^_`|~") }
