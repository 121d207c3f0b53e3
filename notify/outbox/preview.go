package outbox

import (
	"fmt"
	"slices"

	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/release"
)

// Previewed is what one channel would get.
type Previewed struct {
	Channel string
	Message release.Message
	// How says when: at once, in a digest, after a while, to whom it escalates.
	How string
}

// Preview is what each channel would get of a notice, by the rules and words of a
// Config alone.
func Preview(cfg Config, n release.Notice) []Previewed {
	o := newOutbox(cfg)
	n = cfg.Rules.WithRunbook(n)
	var all []Previewed
	add := func(channel, how string, escalated bool) {
		if slices.ContainsFunc(all, func(p Previewed) bool { return p.Channel == channel }) {
			return
		}
		m := o.compose(channel, release.Message{ID: channel + " " + n.ID, Notices: []release.Notice{n}, Escalated: escalated})
		all = append(all, Previewed{Channel: channel, Message: m, How: how})
	}
	for _, i := range cfg.Rules.Routes(n) {
		r := cfg.Rules.Notices.Routes[i]
		how := fmt.Sprintf("within %s", r.Group)
		if r.After > 0 && notify.Lasting(n.Happening) {
			how = fmt.Sprintf("once it has lasted %s, within %s", r.After, r.Group)
		}
		if n.Urgency != release.Page && r.Digest != "" {
			how = "in the digest " + r.Digest
		}
		if n.Urgency != release.Page && r.Quiet != "" {
			how += ", not in the quiet hours " + r.Quiet
		}
		for _, channel := range r.To {
			add(channel, how, false)
		}
		for _, e := range r.Escalate {
			for _, channel := range e.To {
				if n.Urgency == release.Page {
					add(channel, fmt.Sprintf("%s later, where nobody has acknowledged it", e.After), true)
				}
			}
		}
	}
	return all
}
