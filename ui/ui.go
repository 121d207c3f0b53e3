// Package ui holds the pages of Linnet and serves them. Their sources lie in src
// and become built/app by `make pages`, which git does not keep; a binary that was
// built without serves a page that says how to get them.
package ui

import (
	"bytes"
	"crypto/rand"
	"embed"
	"io/fs"
	"net/http"
)

//go:embed missing.html all:built
var files embed.FS

// nonceMark is where the page of the build wants the nonce of its styles.
const nonceMark = "{{nonce}}"

// places are the paths that the pages have; the page itself tells them apart. The
// router in src/router.tsx has the same.
func places() []string {
	return []string{"/{$}", "/releases/", "/plan", "/services", "/services/", "/audit", "/system"}
}

// Built says whether the pages are in this binary.
func Built() bool {
	_, err := files.Open("built/app/index.html")
	return err == nil
}

// Register serves the pages on a mux. They hold nothing that is not public; what
// they show comes from the API, which asks who is there.
func Register(mux *http.ServeMux) {
	page := http.HandlerFunc(missing)
	if app, err := fs.Sub(files, "built/app"); err == nil && Built() {
		text, _ := fs.ReadFile(app, "index.html") // it is there
		page = shown(text)
		mux.Handle("GET /assets/", assets(app))
		mux.Handle("GET /favicon.svg", assets(app))
	}
	for _, place := range places() {
		mux.Handle("GET "+place, page)
	}
}

// shown serves the page of the build. Its policy lets nothing in from elsewhere;
// the components' styles carry a nonce that is new each time.
func shown(text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		nonce := rand.Text()
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; img-src 'self' data:; font-src 'self'; "+
			"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		_, _ = w.Write(bytes.ReplaceAll(text, []byte(nonceMark), []byte(nonce))) // whoever asked may be gone
	}
}

func missing(w http.ResponseWriter, _ *http.Request) {
	text, _ := files.ReadFile("missing.html") // it is embedded
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotImplemented)
	_, _ = w.Write(text)
}
