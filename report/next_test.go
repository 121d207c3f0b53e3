package report_test

import (
	"testing"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// The command that is useful next can be given as it is: to the server that runs
// the release, and with a reason where the approval needs one.
func TestNextToApprove(t *testing.T) {
	for comment, want := range map[bool]string{false: "linnet release approve checkout-1.5.0", true: "linnet release approve checkout-1.5.0 --reason WHY"} {
		p := checkout(errorsMetric())
		p.Steps[0].Approval = release.Approval{From: "release-managers", Quorum: 1, Comment: comment}
		w := begin(t, p)
		w.until(400, engine.Waiting)
		r := w.report()
		if r.Next == nil || r.Next.Command != want {
			t.Errorf("here: %+v", r.Next)
		}
		if got := r.NextAt("https://linnet"); got.Command != want+" --server https://linnet" || got.Verb != "approve" {
			t.Errorf("at a server: %+v", got)
		}
	}
}
