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

// NextOf is the command that is useful next to somebody who sees a release in a
// phase, for a reason; nil where there is none but to look on. server is the URL
// of the `linnet serve` that runs it, "" where this machine does.
func NextOf(name string, phase engine.Phase, r Reason, server string) *Next {
	verb, does := engine.Next(phase, release.Code(r.Code))
	switch {
	case verb == "" || verb == "show":
		return nil
	case server != "":
		return &Next{verb, "linnet release " + verb + " " + name + " --server " + server, does}
	case verb == "retry":
		return &Next{verb, "linnet run --again -f FILE", does}
	}
	return &Next{verb, "linnet release " + verb + " " + name, does}
}
