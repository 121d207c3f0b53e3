package report

import (
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// Next is the command that is useful next.
type Next struct {
	// Verb is that of `linnet release`; Command the whole of it, for this machine.
	Verb    string `json:"verb"`
	Command string `json:"command"`
	// Does is what it does, and what else there is.
	Does string `json:"does"`
}

// NextAt is the command that is useful next to somebody who looks at a release;
// nil where there is none but to look on. server is the URL of the `linnet serve`
// that runs it, "" where this machine does.
func (r *Release) NextAt(server string) *Next {
	verb, does := engine.Next(engine.Phase(r.Phase), release.Code(r.Reason.Code))
	switch {
	case verb == "" || verb == "show":
		return nil
	case verb == "retry" && server == "":
		return &Next{verb, "linnet run --again -f FILE", does}
	}
	command := "linnet release " + verb + " " + r.Name
	if verb == string(engine.Approve) && r.commented() {
		command += " " + engine.GivingReason
	}
	if server != "" {
		command += " --server " + server
	}
	return &Next{verb, command, does}
}

// commented tells whether an approval that it waits for needs a reason.
func (r *Release) commented() bool {
	needs := func(a *Approvals) bool { return a != nil && a.Missing > 0 && a.Comment }
	if needs(r.Approvals) {
		return true
	}
	for _, s := range r.Steps {
		if needs(s.Approvals) {
			return true
		}
	}
	return false
}
