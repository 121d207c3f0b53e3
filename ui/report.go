package ui

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"

	"github.com/linnet-project/linnet/release"
)

//go:embed report.html
var reportText string

// Report makes one file of the page of a release and what it shows, which opens
// anywhere without a network. data is JSON: a ReportData of src/report.tsx. In a
// binary without the pages the error is release.ErrUnavailable.
func Report(title string, data json.RawMessage) ([]byte, error) {
	script, err := fs.ReadFile(files, "built/report/report.js")
	if err != nil {
		return nil, fmt.Errorf("this linnet was built without its pages: have Node and `make build`, or write Markdown with -o report.md: %w", release.ErrUnavailable)
	}
	style, err := fs.ReadFile(files, "built/report/report.css")
	if err != nil {
		return nil, fmt.Errorf("built/report/report.css: %w", err)
	}
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, data)
	// What would end or change the elements around it is written so that it means
	// the same and does not.
	script = bytes.ReplaceAll(bytes.ReplaceAll(script, []byte("</script"), []byte(`<\/script`)), []byte("<!--"), []byte(`<\!--`))
	if bytes.Contains(bytes.ToLower(style), []byte("</style")) {
		return nil, errors.New("the pages' styles would end their own element")
	}
	sum := sha256.Sum256(script)
	page, err := template.New("report").Parse(reportText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = page.Execute(&out, map[string]any{
		"Title": title, "Policy": template.HTMLAttr(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-` + base64.StdEncoding.EncodeToString(sum[:]) + `'"`),
		"Style": template.HTML("<style>" + string(style) + "</style>"),
		"Data":  template.HTML(`<script type="application/json" id="linnet-report">` + escaped.String() + "</script>"),
		"Code":  template.HTML("<script>" + string(script) + "</script>"),
	})
	return out.Bytes(), err
}
