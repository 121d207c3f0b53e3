package report

import (
	"encoding/json"
	"io"
)

// JSON writes a release as one indented JSON object.
func JSON(w io.Writer, r Release) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
