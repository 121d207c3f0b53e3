package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/database/databasetest"
)

func TestAuditOverHTTP(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-1", "red")
	for range 4 {
		w.ask("POST", "/v1/releases/checkout-1/1/pause?wait=0s", `{"reason":"lunch"}`).want(202, nil)
	}
	w.set(func() {
		w.policy = func(who access.Actor, action access.Action, _ access.Resource) access.Decision {
			return access.Decision{Allowed: who.Name == "ann@example.com", Why: "ask ann"}
		}
	})
	w.ask("POST", "/v1/releases/checkout-1/1/abort", "", "X-Who", "bob@example.com").want(404, nil) // he may not see it either
	w.ask("GET", "/v1/audit", "", "X-Who", "bob@example.com").want(403, nil)
	var what []string
	next := ""
	for {
		var page api.AuditLines
		w.ask("GET", "/v1/audit?limit=3"+next, "").want(200, &page).fits("AuditLines")
		for _, l := range page.Items {
			what = append(what, l.What)
		}
		if page.Next == "" {
			break
		}
		next = "&cursor=" + page.Next
	}
	equal(t, "lines", strings.Join(what, " "), "audit.read release.abort release.pause release.pause release.pause release.pause release.create.taken release.create")
	var page api.AuditLines
	w.ask("GET", "/v1/audit?denied=true&who=bob@example.com&what=release.", "").want(200, &page)
	if len(page.Items) != 1 || !strings.Contains(page.Items[0].Denied, "ask ann") || page.Items[0].From != "127.0.0.1" || page.Items[0].Object != "checkout-1/1" {
		t.Errorf("%+v", page)
	}
	for object, lines := range map[string]int{"checkout-1/1": 7, "checkout-1": 7, "checkout": 0} {
		w.ask("GET", "/v1/audit?what=release.&object="+object, "").want(200, &page)
		equal(t, "lines about "+object, len(page.Items), lines)
	}
	r := w.ask("GET", "/v1/audit", "", "Accept", "application/x-ndjson").want(200, nil)
	file := w.ask("GET", "/v1/audit?download=true", "").want(200, nil)
	equal(t, "a file", []any{file.header.Get("Content-Disposition"), string(file.body) == string(r.body)}, []any{`attachment; filename="audit.ndjson"`, true})
	lines := strings.Split(strings.TrimSpace(string(r.body)), "\n")
	equal(t, "kind and lines", []any{r.header.Get("Content-Type"), len(lines)}, []any{"application/x-ndjson", 8})
	for n, line := range lines {
		var l api.AuditLine
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Seq != uint64(8-n) || len(l.Hash) != 64 {
			t.Errorf("%v: %s", err, line)
		}
	}
	w.ask("GET", "/v1/audit/proof", "", "X-Who", "bob@example.com").want(403, nil)
	var proof api.AuditProof
	w.ask("GET", "/v1/audit/proof", "").want(200, &proof).fits("AuditProof")
	w.ask("GET", "/v1/audit?limit=1", "").want(200, &page)
	equal(t, "proof", []any{proof.Holds, proof.Lines, proof.Broken == nil}, []any{true, page.Items[0].Seq, true})
	err := w.db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE audit_lines SET object = 'checkout-2/1' WHERE seq = 3")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	proof = api.AuditProof{}
	w.ask("GET", "/v1/audit/proof", "").want(200, &proof).fits("AuditProof")
	if proof.Holds || proof.Lines != 2 || proof.Broken == nil || proof.Broken.Seq != 3 || !strings.Contains(proof.Broken.What, "the index was changed") {
		t.Errorf("%+v", proof)
	}
	w.ask("GET", "/v1/audit?from=yesterday", "").want(422, nil).problem("query.from")
	w.ask("GET", "/v1/audit?cursor=cjEuMg", "").want(400, nil).problem("leave it out") // of the list of releases
}
