package rows

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/release"
)

// A row that lies this far from what was asked for is not early or late: its time
// is told in another zone or unit.
const farAway = 10 * time.Minute

// Outside gathers the rows that lie in none of the windows.
type Outside struct {
	Windows []release.Window

	n       int
	nearest time.Time
	away    time.Duration
}

// Add takes a row that lies in no window, by when its stretch ends.
func (o *Outside) Add(at time.Time) {
	away := at.Sub(o.Windows[len(o.Windows)-1].To)
	if before := o.Windows[0].From.Sub(at); before > 0 {
		away = before
	}
	if o.n++; o.n == 1 || away < o.away {
		o.nearest, o.away = at, away
	}
}

// Warning says that all rows, of that number, lie far from what was asked for; ""
// where they do not.
func (o *Outside) Warning(all int) string {
	if all == 0 || o.n < all || o.away < farAway {
		return ""
	}
	return fmt.Sprintf("all %d rows lie outside of what was asked for, which ends at %s; the nearest is at %s: are its times in UTC, and in the right unit?",
		all, o.Windows[len(o.Windows)-1].To.UTC().Format(time.RFC3339), o.nearest.UTC().Format(time.RFC3339))
}
