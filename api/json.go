package api

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/report"
)

// jsonFormat writes an answer at once: where that fails, whoever asked is gone.
var jsonFormat = huma.Format{
	Marshal: func(w io.Writer, v any) error {
		text, err := encoded(v)
		if err == nil {
			_, _ = w.Write(text)
		}
		return err
	},
	Unmarshal: json.Unmarshal,
}

// encoded is a value in JSON, without the escapes meant for web pages.
func encoded(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return out.Bytes(), err
}

// families are the packages whose forms are answered as they are, and the word
// before the names of their parts: a release and its record are two things.
var families = map[string]struct{ word, whole string }{
	reflect.TypeFor[report.Release]().PkgPath():    {"Record", "Release"},
	reflect.TypeFor[forecast.Forecast]().PkgPath(): {"Forecast", "Forecast"},
}

// schemaName is what a type is called in the document.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if f, ok := families[t.PkgPath()]; ok {
		return f.word + strings.TrimPrefix(name, f.whole)
	}
	return name
}
