package vendortest

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/testprogram"
)

// Influxd is an InfluxDB 1 itself, with the database shop and somebody who may
// read it and nothing else.
type Influxd struct {
	URL, Username, Password string
}

const (
	influxConfig = `reporting-disabled = true
bind-address = "%[1]s"
[meta]
dir = "%[3]s/meta"
[data]
dir = "%[3]s/data"
wal-dir = "%[3]s/wal"
[monitor]
store-enabled = false
[http]
bind-address = "%[2]s"
auth-enabled = true
log-enabled = false
max-row-limit = %[4]d
`
	influxAdmin = "admin"
	influxRoot  = "root-6cc1"
)

// StartInflux runs one that gives so many rows at most.
func StartInflux(t *testing.T, rows int) *Influxd {
	t.Helper()
	binary := testprogram.Find(t, "influxd", "influxdb")
	dir := t.TempDir()
	at := launched{
		name: binary, ready: "/ping", is: func(r *http.Response) bool { return r.Header.Get("X-Influxdb-Version") != "" },
		args: func(web string) []string {
			config := filepath.Join(dir, "influxdb.conf")
			if err := os.WriteFile(config, fmt.Appendf(nil, influxConfig, testprogram.Address(t), web, dir, rows), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"run", "-config", config}
		},
	}.start(t)
	i := &Influxd{URL: "http://" + at, Username: "linnet", Password: "read-only-51a7"}
	for _, q := range []string{
		"CREATE USER " + influxAdmin + " WITH PASSWORD '" + influxRoot + "' WITH ALL PRIVILEGES", "CREATE DATABASE shop",
		"CREATE USER " + i.Username + " WITH PASSWORD '" + i.Password + "'", "GRANT READ ON shop TO " + i.Username,
	} {
		i.post(t, "/query", url.Values{"q": {q}}.Encode(), "application/x-www-form-urlencoded")
	}
	return i
}

// Write stores events as points of the measurement Name, with Fields as tags, and
// Value as the field _field of Fields ("value" without). It may be called from
// any goroutine.
func (i *Influxd) Write(t *testing.T, events ...Event) {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.Name)
		for _, k := range slices.Sorted(maps.Keys(e.Fields)) {
			if e.Fields[k] != "" && k != "_field" {
				fmt.Fprintf(&b, ",%s=%s", k, e.Fields[k])
			}
		}
		fmt.Fprintf(&b, " %s=%g %d\n", fieldOf(e), e.Value, e.At.UnixNano())
	}
	i.post(t, "/write?db=shop", b.String(), "text/plain")
}

func (i *Influxd) post(t *testing.T, path, body, kind string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, i.URL+path, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	r.SetBasicAuth(influxAdmin, influxRoot)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 || strings.Contains(string(said), `"error"`) {
		t.Errorf("%s: %s %s %v", path, resp.Status, said, err)
	}
}
