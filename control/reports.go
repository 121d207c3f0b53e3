package control

import (
	"sync"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/report"
)

// mostReports bounds how many decision records are kept ready.
const mostReports = 64

// reports keeps the decision records that were asked for last: folding a long
// release again for everybody who looks at it costs more than all the rest.
type reports struct {
	mu   sync.Mutex
	kept []report.Release // the last used last
}

// get gives the record of a release as it stands, if it is kept.
func (r *reports) get(s journal.Summary) (report.Release, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, one := range r.kept {
		if one.Name == s.ID.Name && one.Attempt == s.ID.Attempt && one.Records == s.Seq {
			r.kept = append(append(r.kept[:i:i], r.kept[i+1:]...), one)
			return one, true
		}
	}
	return report.Release{}, false
}

// put keeps a record, in place of an older one of the same release.
func (r *reports) put(one report.Release) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []report.Release
	for _, k := range r.kept {
		if k.Name != one.Name || k.Attempt != one.Attempt {
			kept = append(kept, k)
		}
	}
	r.kept = append(kept[max(0, len(kept)+1-mostReports):], one)
}
