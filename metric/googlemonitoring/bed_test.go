package googlemonitoring_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/googlemonitoring"
	"github.com/linnet-project/linnet/metric/googlemonitoring/googletest"
	"github.com/linnet-project/linnet/release"
)

// start is when things happen in these tests.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// bed is the API, and a key for it.
type bed struct {
	*googletest.Server
	now     time.Time
	url     string
	keyFile string
}

func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{now: time.Now()}
	var err error
	if b.Server, err = googletest.New(func() time.Time { return b.now }); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(b.Server)
	t.Cleanup(s.Close)
	b.url = s.URL
	b.keyFile = keyFile(t, b.Server, s.URL)
	return b
}

// keyFile writes the key of the API's service account, and leaves nothing of the
// machine's own to log in with.
func keyFile(t *testing.T, s *googletest.Server, url string) string {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("HOME", folder)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	file := filepath.Join(folder, "key.json")
	if err := os.WriteFile(file, s.KeyFile(url), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (b *bed) open(t *testing.T, change func(*googlemonitoring.Config)) *googlemonitoring.Source {
	t.Helper()
	c := googlemonitoring.Config{Project: googletest.Project, Endpoint: b.url, CredentialsFile: b.keyFile, Timeout: 2 * time.Second, Now: time.Now}
	if change != nil {
		change(&c)
	}
	s, err := googlemonitoring.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func arms() []release.Arm {
	return []release.Arm{
		{Name: release.Baseline, Version: "1.4.1", Labels: map[string]string{"version": "1.4.1"}},
		{Name: release.Candidate, Version: "1.5.0", Labels: map[string]string{"version": "1.5.0"}},
	}
}

func minutes(from, to float64) release.Window {
	at := func(n float64) time.Time { return start().Add(time.Duration(n * float64(time.Minute))) }
	return release.Window{From: at(from), To: at(to)}
}

func ask(m release.Metric, windows ...release.Window) release.Query {
	m.Name = "it"
	return release.Query{Metric: m, Arms: arms(), Windows: windows}
}
