package api_test

import (
	"net/url"
	"strings"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
)

// testMarksAndJudgements: what others say of releases, and who sees it.
func testMarksAndJudgements(w *world) {
	w.begin("checkout-1", "red")
	w.begin("cart-1", "blue")
	var made, again api.Annotation
	text := `{"kind": "incident", "title": "outage", "service": "checkout", "url": "https://status.example.com/1", "time": "2026-03-01T13:00:00+01:00", "until": "2026-03-01T14:00:00+01:00"}`
	w.ask("POST", "/v1/annotations", text, "Idempotency-Key", "1").want(201, &made).fits("Annotation")
	w.ask("POST", "/v1/annotations", text, "Idempotency-Key", "1").want(201, &again)
	equal(w, "sent twice", again.ID, made.ID)
	if made.By != "ann@example.com" || !made.Time.Equal(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)) || made.Until == nil {
		w.Errorf("%+v", made)
	}
	w.ask("POST", "/v1/annotations", `{"kind": "note", "title": "of all"}`).want(201, nil)
	w.ask("POST", "/v1/annotations", `{"kind": "deploy", "title": "of blue", "service": "cart", "team": "blue"}`).want(201, nil)
	w.ask("POST", "/v1/annotations", `{"kind": "note", "title": "x", "url": "javascript:alert(1)"}`).want(422, nil).problem("http://")
	w.ask("POST", "/v1/annotations", `{"kind": "party", "title": "x"}`).want(422, nil)

	titles := func(query string) string {
		w.Helper()
		var all []string
		for next := ""; ; {
			var page api.Annotations
			w.ask("GET", "/v1/annotations?limit=1"+query+next, "").want(200, &page).fits("Annotations")
			for _, one := range page.Items {
				all = append(all, one.Title)
			}
			if page.Next == "" {
				return strings.Join(all, ", ")
			}
			next = "&cursor=" + url.QueryEscape(page.Next)
		}
	}
	equal(w, "all", titles(""), "of blue, of all, outage")
	equal(w, "of a service", titles("&service=checkout"), "of all, outage")
	equal(w, "of a time", titles("&to=2026-03-02T00:00:00Z"), "outage")
	w.ask("GET", "/v1/annotations?cursor=r1.5", "").want(400, nil)
	// Who sees the blue team's releases sees what is shown on them.
	w.set(func() {
		w.policy = func(_ access.Actor, action access.Action, on access.Resource) access.Decision {
			return access.Decision{Allowed: action == access.View && on.Team == "blue"}
		}
	})
	equal(w, "for the blue team", titles(""), "of blue, of all")
	w.ask("POST", "/v1/annotations", `{"kind": "note", "title": "x"}`).want(403, nil)
	w.set(func() { w.policy = access.Everybody{}.Decide })

	const says = "/v1/releases/checkout-1/1/assessment"
	w.ask("POST", says, `{"judgement": "right", "reason": "x"}`).want(409, nil).problem("has not ended")
	w.end("checkout-1", 1)
	var r api.Release
	tag := w.ask("GET", "/v1/releases/checkout-1/latest", "").want(200, &r).header.Get("ETag")
	w.ask("GET", "/v1/releases/checkout-1/latest", "", "If-None-Match", tag).want(304, nil)
	if r.Assessment != nil {
		w.Errorf("nobody said %+v", r.Assessment)
	}
	w.ask("POST", says, `{"judgement": "right", "reason": "it was"}`).want(200, nil).fits("Assessment")
	w.ask("POST", says, `{"judgement": "false-alarm", "reason": "a load test ran"}`).want(200, nil)
	w.ask("POST", says, `{"judgement": "false-alarm", "reason": ""}`).want(422, nil)
	w.ask("GET", "/v1/releases/checkout-1/latest", "", "If-None-Match", tag).want(200, &r).fits("Release")
	if r.Assessment == nil || r.Assessment.Judgement != "false-alarm" || r.Assessment.By != "ann@example.com" {
		w.Errorf("%+v", r.Assessment)
	}
	var lines api.AuditLines
	w.ask("GET", "/v1/audit?what=release.assess", "").want(200, &lines)
	if len(lines.Items) != 2 || lines.Items[0].Before != "right" || lines.Items[0].After != "false-alarm" || lines.Items[0].Object != "checkout-1/1" {
		w.Errorf("%+v", lines)
	}
	w.ask("GET", "/v1/audit?what=annotation.create", "").want(200, &lines)
	if len(lines.Items) != 4 || lines.Items[0].Denied == "" || lines.Items[3].After != "incident: outage" || lines.Items[3].Object != "checkout" {
		w.Errorf("%+v", lines)
	}
}
