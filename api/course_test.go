package api_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// steady is traffic of both arms that is always the same.
type steady struct{}

// Observe implements run.Source.
func (steady) Observe(_ context.Context, q release.Query) (a release.Answer, err error) {
	for _, w := range q.Windows {
		for _, arm := range q.Arms {
			a.Observations = append(a.Observations, release.Observation{Metric: q.Metric.Name, Arm: arm.Name, Window: w, Events: 3, Of: 600})
		}
	}
	return a, nil
}

func testTheCourseOfARelease(w *world) {
	w.set(func() { w.source = steady{} })
	w.begin("checkout-1", "red")
	for range 6 {
		w.turn("checkout-1", 1)
	}
	var c report.Course
	r := w.ask("GET", "/v1/releases/checkout-1/latest/course", "").want(200, &c)
	r.fits("RecordCourse")
	if len(c.Tracks) != 2 || len(c.Tracks[0].Time) < 3 || len(c.Standing) == 0 || len(c.Marks) < 2 || c.Records != c.Total {
		w.Fatalf("%s", r.body)
	}
	one := c.Tracks[0]
	if one.Metric != "errors" || one.Standing == nil || one.Hidden == nil || one.Candidate.N[len(one.Time)-1] != 600 || *one.Baseline.Value[len(one.Time)-1] != 0.005 {
		w.Errorf("%s", r.body)
	}
	equal(w, "its ETag", r.header.Get("ETag"), fmt.Sprintf(`"%d"`, c.Records))
	w.ask("GET", "/v1/releases/checkout-1/1/course", "", "If-None-Match", r.header.Get("ETag")).want(304, nil)
	w.ask("GET", "/v1/releases/checkout-1/1/course?points=50&metric=none", "").want(200, &c).fits("RecordCourse")
	equal(w, "tracks of another metric", len(c.Tracks), 0)
	w.ask("GET", "/v1/releases/checkout-1/1/course?points=49", "").want(422, nil)
	w.ask("GET", "/v1/releases/none/1/course", "").want(404, nil)
}

func testAReplay(w *world) {
	w.begin("checkout-1", "red")
	w.end("checkout-1", 1)
	var all, part api.Replayed
	r := w.ask("GET", "/v1/releases/checkout-1/1/replay", "").want(200, &all)
	r.fits("Replayed")
	var record report.Release
	w.ask("GET", "/v1/releases/checkout-1/1/record", "").want(200, &record)
	last := record.Decisions[len(record.Decisions)-1]
	if !all.Same || !all.Chain.Holds || all.Records != record.Records || all.DiffersAt != 0 || all.Decision != all.Recorded || all.Decision.Phase != "rolled back" {
		w.Fatalf("%s", r.body)
	}
	w.ask("GET", fmt.Sprintf("/v1/releases/checkout-1/latest/replay?seq=%d", last.Seq), "").want(200, &part)
	if part.Records != last.Seq || part.Chain.Head != last.SHA256 || len(last.SHA256) != 64 || part.Decision.Decision != last.Decision {
		w.Errorf("%+v, in the log %+v", part, last)
	}
	w.ask("GET", "/v1/releases/checkout-1/1/replay?seq=99999", "").want(404, nil)
	// Somebody writes into the database.
	err := w.db.Write(w.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(w.Context(), `UPDATE records SET hash = (SELECT hash FROM records WHERE seq = 1) WHERE seq = 3`)
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	r = w.ask("GET", "/v1/releases/checkout-1/1/replay", "").want(200, &all)
	r.fits("Replayed")
	if all.Same || all.Chain.Holds || all.Records != 2 || !strings.Contains(all.Chain.Broken, "record 3") {
		w.Errorf("%s", r.body)
	}
}
