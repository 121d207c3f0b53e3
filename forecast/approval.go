package forecast

import (
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// approval says who is asked before a step's weight is set, for the release as a
// whole too before the first.
func approval(p plan.Plan, step int) string {
	var asked []string
	if step == 0 && p.Approval.From != "" {
		asked = append(asked, asks(p.Approval)+" for the release as a whole")
	}
	if a := p.Steps[step].Approval; a.From != "" {
		asked = append(asked, asks(a))
	}
	return strings.Join(asked, ", and ")
}

func asks(a release.Approval) string {
	text := fmt.Sprintf("%d of %s", max(1, a.Quorum), a.From)
	if a.Comment {
		text += " with a reason"
	}
	if a.Expires > 0 {
		text += ", which counts for " + a.Expires.Round(time.Second).String()
	}
	return text
}
