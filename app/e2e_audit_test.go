package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/testdb"
)

// documented gives the statements that a page tells people to run.
func documented(t *testing.T, page, mark string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)<!-- " + mark + ":.*?```sql\n(.*?)```").FindStringSubmatch(string(text))
	if found == nil {
		t.Fatalf("%s has no statements marked %s", page, mark)
	}
	return strings.Split(strings.TrimSpace(found[1]), "\n")
}

// A company moves from one machine to PostgreSQL as the pages tell, serves as a
// role that can change no record, anchors what it did, and finds out what its
// administrator changed.
func TestAuditFromEndToEnd(t *testing.T) {
	t.Parallel()
	server := testdb.Postgres(t)
	admin := server.Postgres(t, "postgres")
	testdb.Exec(t, admin, documented(t, "postgresql.md", "roles")...)
	address := func(user, password string) string {
		return (&url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: server.Address(), Path: "linnet"}).String()
	}
	owner, everyday := address("linnet", "change me"), address("linnet_app", "change me too")

	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	oldReleases(t, in("small"), 3)
	expect(t, 0, []string{"backup", in("first"), "--data", in("small")}, `copied to .*first: 3 chains, \d+ records, unchanged`)
	expect(t, 1, []string{"backup", in("first"), "--data", in("small")}, "is there already")
	expect(t, 0, []string{"migrate", "--db", owner}, `has the tables of this version`)
	expect(t, 0, []string{"restore", in("first"), "--db", owner}, "the backup is whole: 3 chains", "restored to the database: 3 chains")
	expect(t, 1, []string{"restore", in("first"), "--db", owner}, "rows already")
	testdb.Exec(t, server.Postgres(t, "linnet"), documented(t, "postgresql.md", "grants")...)

	expect(t, 0, []string{"audit", "key", in("key")}, "signs")
	config := in("server.yaml")
	settings := "apiVersion: linnet/v1\nkind: Server\nspec:\n  databaseFile: app.url\n  anchors: { file: anchors, keyFile: key }\n  retention: { databaseFile: owner.url }\n"
	for name, text := range map[string]string{"server.yaml": settings, "app.url": everyday, "owner.url": owner + "\n"} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, at := serve(t, in("replica"), "--config", config)
	eventually(t, "the first anchor", func() bool { text, err := os.ReadFile(in("anchors")); return err == nil && len(text) > 0 })
	again(t, at, "old-0")
	p.kill()
	for database, says := range map[string]string{everyday: `fine +rights: this role adds records, and can neither change nor remove one`, owner: `fine +rights: this role could change and remove records`} {
		_, said := call("doctor", "-f", config, "--db", database, "--data", in("replica"))
		matches(t, said, says, `fine +clock: `)
	}

	verify := []string{"audit", "verify", "--db", everyday, "--anchors", in("anchors"), "--key", in("key.pub")}
	expect(t, 0, verify, `1 anchors, the last of .*: 3 chains hold what was anchored, 3 heads, 0 of them`)
	expect(t, 0, []string{"audit", "export", "--db", everyday}, `"chain":"old-0/1","seq":1,.*"what":"started"`, `"body":{"t":`)
	expect(t, 0, []string{"audit", "show", "--db", everyday}, `local:\S+ release.create old-0/2 `, "from: 127.0.0.1")
	expect(t, 0, []string{"audit", "anchor", "--db", everyday, "--file", in("anchors"), "--key", in("key")}, "2 heads anchored")
	forbidden(t, server, everyday)
	expect(t, 0, []string{"backup", in("second"), "--db", everyday}, "second: 5 chains")
	expect(t, 0, []string{"audit", "verify", "--data", in("second"), "--anchors", in("anchors"), "--key", in("key.pub")}, "5 chains hold")

	// The administrator cuts off the end of a release and sets the index back.
	testdb.Exec(t, server.Postgres(t, "linnet"),
		`DELETE FROM records AS r USING releases AS a WHERE a.id = r.release AND a.name = 'old-1' AND r.seq = a.seq`,
		`UPDATE releases AS a SET seq = r.seq, hash = r.hash FROM records AS r WHERE a.name = 'old-1' AND r.release = a.id AND r.seq = a.seq - 1`)
	expect(t, 1, verify, "old-1/1 is broken")
}

// again begins the next attempt of a release through the API.
func again(t *testing.T, at, name string) {
	t.Helper()
	_, file := fetch(t, at+"/v1/releases/"+name+"/1/file")
	file = regexp.MustCompile(`source: .*`).ReplaceAllString(file, `source: { prometheus: { url: "http://127.0.0.1:1" } }`)
	body, err := json.Marshal(map[string]any{"file": file, "again": true})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(at+"/v1/releases", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if said, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("POST /v1/releases: %s %s %v", answer.Status, said, err)
	}
}

// forbidden tries to change what nobody may, as the everyday role.
func forbidden(t *testing.T, server testdb.Server, everyday string) {
	t.Helper()
	at, err := url.Parse(everyday)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := at.User.Password()
	server.User, server.Password = at.User.Username(), password
	db := server.Postgres(t, "linnet")
	for _, statement := range []string{
		`UPDATE records SET hash = ''`, `DELETE FROM records`, `TRUNCATE records`, `UPDATE files SET text = ''`, `DELETE FROM files`,
		`UPDATE audit_lines SET who = 'nobody'`, `DELETE FROM audit_lines`, `INSERT INTO audit_past VALUES (1, '')`,
		`DELETE FROM releases`, `DROP TABLE records`, `ALTER TABLE records DISABLE TRIGGER ALL`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v, want that the role may not", statement, err)
		}
	}
}
