package spec

import (
	"math"
	"strconv"
	"strings"
)

// The scalars that only rules files have.
var (
	// alternatives are names of tags with | between them.
	alternatives = &kind[string]{noun: "a tag's name, or several with | between them",
		pattern: `^[A-Za-z_][A-Za-z0-9_]*(\|[A-Za-z_][A-Za-z0-9_]*)*$`, parse: parseAlternatives, format: same}
	// senderName is a tag or field as its sender calls it.
	senderName = named("a name of letters, digits, _, -, ., : and /", `^[A-Za-z0-9_./:-]{1,63}$`, isSenderName)
	pattern    = &kind[string]{noun: "a name, in which * stands for anything", parse: parseText, format: same}
	sizes      = &kind[int64]{noun: "a size", classes: textOnly,
		pattern: `^[0-9]+(\.[0-9]+)?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`, parse: parseSize, format: formatSize}
	bounds = &kind[float64]{noun: "a number, percentage or duration",
		pattern: `^([-+]?[0-9.]+([eE][-+]?[0-9]+)?|[0-9.]+%|([0-9.]+(d|h|ms|m|s|us|µs|ns))+)$`, parse: parseBound, format: formatBound}
)

func parseAlternatives(s string) (string, fault) {
	for name := range strings.SplitSeq(s, "|") {
		if _, bad := labelName.parse(name); bad != (fault{}) {
			return "", fault{bad.problem, "write a tag such as service, or version|arm"}
		}
	}
	return s, fault{}
}

func isSenderName(s string) bool { return only(s, lower+upper+digits+"_-./:") }

// sizeUnits are the units of sizes, in bytes, those that count by 1024 from the
// largest down.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

func parseSize(s string) (int64, fault) {
	const hint = "write a size such as 512KiB, 16MiB or 10GiB"
	if isNumber(s) {
		return 0, fault{"has no unit", hint}
	}
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !isNumber(number) || v*float64(u.bytes) > 1<<52 {
			return 0, fault{"is not a size", hint}
		}
		return int64(math.Round(v * float64(u.bytes))), fault{}
	}
	return 0, fault{"is not a size", hint}
}

// formatSize writes a size so that parseSize reads the same.
func formatSize(n int64) string {
	for _, u := range sizeUnits[:4] {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

func parseBound(s string) (float64, fault) {
	q, bad := parseQuantity(s)
	if bad != (fault{}) || q.unit == rate {
		return 0, fault{"is not a bound", "write a number, 1% or 300ms"}
	}
	return q.value, fault{}
}

func formatBound(v float64) string { return formatQuantity(quantity{v, bare}) }
