package release

// Urgency says whom a notice may wake.
type Urgency string

// The urgencies of a notice.
const (
	Inform Urgency = "inform"
	Page   Urgency = "page"
)

// Notice is something people should know. ID is the id of the effect that
// carries it, and channels use it to deduplicate.
type Notice struct {
	ID      string
	Release string
	Urgency Urgency
	Title   string
	Text    string
	Links   []Link
}

// Link points to more: traces, logs, a runbook.
type Link struct {
	Name string
	URL  string
}
