package vendortest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testprogram"
)

// Graphite is a graphite-web itself, on files of its own.
type Graphite struct {
	URL string

	python, dir string
	step        time.Duration
}

const (
	graphiteSettings = `
import os
here = os.path.dirname(os.path.abspath(__file__))
SECRET_KEY = 'of a test'
CONF_DIR = STORAGE_DIR = LOG_DIR = here
WHISPER_DIR = here + '/whisper'
INDEX_FILE = here + '/index'
LOG_ROTATION = False
DEFAULT_XFILES_FACTOR = 0
CARBONLINK_HOSTS = []
TIME_ZONE = 'UTC'
FUNCTION_PLUGINS = []
SILENCED_SYSTEM_CHECKS = ['models.W042', 'admin.W411']
DATABASES = {'default': {'NAME': here + '/db', 'ENGINE': 'django.db.backends.sqlite3'}}
`
	// whisperScript makes files of a step that reach back for years.
	whisperScript = `
import json, os, sys, whisper
given = json.load(sys.stdin)
for path, points in given["points"].items():
    file = os.path.join(given["dir"], "whisper", *path.split(".")) + ".wsp"
    os.makedirs(os.path.dirname(file), exist_ok=True)
    if not os.path.exists(file):
        whisper.create(file, [(given["step"], 5 * 366 * 86400 // given["step"])], 0.0, "sum", sparse=True)
    whisper.update_many(file, points)
`
)

// StartGraphite runs one whose points lie a step apart.
func StartGraphite(t *testing.T, step time.Duration) *Graphite {
	t.Helper()
	// Django's own manager, with the settings of graphite-web.
	manager := testprogram.Find(t, "graphite-manage", "graphite-web")
	g := &Graphite{python: testprogram.Find(t, "/usr/bin/python3", "python3"), dir: t.TempDir(), step: step}
	if err := os.WriteFile(filepath.Join(g.dir, "settings_of_test.py"), []byte(graphiteSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(g.dir, "whisper"), 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"GRAPHITE_SETTINGS_MODULE=settings_of_test", "PYTHONPATH=" + g.dir, "PYTHONDONTWRITEBYTECODE=1"}
	migrate := exec.Command(g.python, manager, "migrate", "--run-syncdb", "-v0")
	migrate.Env = append(os.Environ(), env...)
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("graphite-manage migrate: %v\n%s", err, out)
	}
	g.URL = "http://" + launched{
		name: g.python, env: env, ready: "/version/", is: func(r *http.Response) bool {
			return r.StatusCode == http.StatusOK && strings.Contains(r.Header.Get("Server"), "WSGI")
		},
		args: func(at string) []string { return []string{manager, "runserver", "--noreload", at} },
	}.start(t)
	return g
}

// Write stores events as points of the path Name, in the step that each is in.
func (g *Graphite) Write(t *testing.T, events ...Event) {
	t.Helper()
	points := map[string][][2]float64{}
	for _, e := range events {
		points[e.Name] = append(points[e.Name], [2]float64{float64(e.At.Truncate(g.step).Unix()), e.Value})
	}
	given, err := json.Marshal(map[string]any{"dir": g.dir, "step": int(g.step / time.Second), "points": points})
	if err != nil {
		t.Fatal(err)
	}
	write := exec.Command(g.python, "-c", whisperScript)
	write.Stdin = bytes.NewReader(given)
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("whisper: %v\n%s", err, out)
	}
}
