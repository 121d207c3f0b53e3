package release

import "time"

// Approval says whose approval is asked before a weight is set. Its zero value
// asks nobody.
type Approval struct {
	// From is the group that is asked; "" for none.
	From string
	// Quorum is how many people of the group must approve. 0 is found in old
	// records only, where one of anybody was enough.
	Quorum int64
	// Expires is how long an approval counts once it is given; 0 for as long as
	// the attempt lasts.
	Expires time.Duration
	// Comment says that an approval needs a reason.
	Comment bool
}
