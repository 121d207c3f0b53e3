package app

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func TestAnchorsArePutElsewhere(t *testing.T) {
	kept := map[string]string{}
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is compared
		switch {
		case r.Header.Get("Authorization") != "Bearer geheim":
			w.WriteHeader(http.StatusForbidden)
		case r.Method == http.MethodGet:
			_, _ = io.WriteString(w, kept[r.URL.Path]) // who has gone needs no answer
		case r.Method != http.MethodPut || kept[r.URL.Path] != "":
			w.WriteHeader(http.StatusPreconditionFailed)
		default:
			kept[r.URL.Path] = string(body)
		}
	}))
	defer store.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := spec.Anchoring{Put: store.URL + "/anchors/", TokenFile: token}
	if err := put(t.Context(), a, "anchor-1.json", []byte("line")); err != nil || kept["/anchors/anchor-1.json"] != "line" {
		t.Errorf("kept are %v, %v", kept, err)
	}
	if err := put(t.Context(), a, "anchor-1.json", []byte("line")); err != nil {
		t.Errorf("a store that has it already: %v", err)
	}
	if err := put(t.Context(), a, "anchor-1.json", []byte("other")); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "412") {
		t.Errorf("a store that keeps what it has: %v", err)
	}
	store.Close()
	if err := put(t.Context(), a, "anchor-2.json", nil); !errors.Is(err, release.ErrUnavailable) || strings.Contains(err.Error(), "geheim") {
		t.Errorf("a store that is away: %v", err)
	}
}
