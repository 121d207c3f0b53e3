package ui

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

// asset is a file of the build, ready to be sent.
type asset struct{ plain, packed []byte }

// assets serves the files of the build. Those below /assets/ have names that
// change with what is in them and are kept by browsers for good; each is packed
// once, when it is first asked for.
func assets(app fs.FS) http.Handler {
	var mu sync.Mutex
	ready := map[string]asset{}
	get := func(name string) (asset, error) {
		mu.Lock()
		defer mu.Unlock()
		if a, ok := ready[name]; ok {
			return a, nil
		}
		text, err := fs.ReadFile(app, name)
		if err != nil {
			return asset{}, err
		}
		var out bytes.Buffer
		pack, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is known to it
		_, _ = pack.Write(text)                                    // a buffer takes all
		_ = pack.Close()
		a := asset{plain: text, packed: out.Bytes()}
		ready[name] = a
		return a, nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		a, err := get(name)
		if err != nil {
			http.Error(w, "there is no such file of the pages; reload the page, it may be of an older version", http.StatusNotFound)
			return
		}
		h := w.Header()
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		h.Set("Vary", "Accept-Encoding")
		if strings.HasPrefix(name, "assets/") {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		text := a.plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			text = a.packed
		}
		h.Set("Content-Length", strconv.Itoa(len(text)))
		_, _ = w.Write(text) // whoever asked may be gone
	})
}
