package rules

import "github.com/linnet-project/linnet/ingest/fold"

// Terms are the rules that are numbers, for the fold.
func (r *Rules) Terms() fold.Terms {
	tenants := map[string]int{}
	for _, t := range r.in.Limits.Tenants {
		tenants[t.Name] = int(t.Series)
	}
	return fold.Terms{
		Window: r.in.Window, Lateness: r.in.Lateness, MaxAge: r.in.TooOld, MaxAhead: r.in.Future,
		SeenFor: r.in.Dedupe, SeenMost: mostSeen, Series: int(r.in.Limits.Series), Tenants: tenants, Common: max(mostSeries, int(r.in.Limits.Series)),
		KeepFor: r.in.Log.For, KeepBytes: r.in.Log.Size,
	}
}

// mostSeries bounds the series of all tenants that the rules do not name: about
// 2 GB.
const mostSeries = 500_000

// mostSeen bounds the ids that are remembered: about 100 MB.
const mostSeen = 4_000_000
