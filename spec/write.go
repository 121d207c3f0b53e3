package spec

import (
	"bytes"
	"strings"
)

// write puts a tree out as YAML in block style.
func write(b *bytes.Buffer, n *node, indent string) {
	switch {
	case n.kind == mapping && len(n.entries) == 0:
		b.WriteString("{}\n")
	case n.kind == list && len(n.items) == 0:
		b.WriteString("[]\n")
	case n.kind == mapping:
		for i, e := range n.entries {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString(quote(e.key) + ":")
			below(b, e.value, indent)
		}
	case n.kind == list:
		for i, item := range n.items {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString("- ")
			write(b, item, indent+"  ")
		}
	default:
		b.WriteString(scalarText(n) + "\n")
	}
}

// below puts a key's value behind the key, or under it.
func below(b *bytes.Buffer, n *node, indent string) {
	if len(n.entries) == 0 && len(n.items) == 0 {
		b.WriteString(" ")
	} else {
		indent += "  "
		b.WriteString("\n" + indent)
	}
	write(b, n, indent)
}

func scalarText(n *node) string {
	switch n.class {
	case word:
		return quote(n.text)
	case empty:
		return "null"
	}
	return n.text
}

// quote puts text in double quotes unless YAML can only take it for text, or
// for a number, which is read as it is written.
func quote(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return `"` + s + `"`
	}
	if s != "" && only(s[:1], lower+upper+digits+"/") && only(s, lower+upper+digits+"_./%-:@=+") && s[len(s)-1] != ':' {
		return s
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`)
	return `"` + escape.Replace(s) + `"`
}
