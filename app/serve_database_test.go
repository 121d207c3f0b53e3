package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/spec"
)

// A file that is to hold a database's URL and holds nothing is no wish for SQLite.
func TestAnEmptyDatabaseFile(t *testing.T) {
	t.Parallel()
	s := &serving{settings: spec.Server{DatabaseFile: filepath.Join(t.TempDir(), "url")}}
	for text, want := range map[string]string{"": "is empty", "postgres://a/b\n": ""} {
		if err := os.WriteFile(s.settings.DatabaseFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		address, err := s.databaseAddress()
		if want == "" && (err != nil || address != strings.TrimSpace(text)) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %q, %v", text, address, err)
		}
	}
}
