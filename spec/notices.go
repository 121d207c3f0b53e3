package spec

import (
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Notices is who is told of what, where and when, with every default filled in.
type Notices struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	Channels []Channel
	// Routes are tried in order; the first that fits a notice holds, and further
	// ones as long as those that fitted say Also.
	Routes    []NoticeRoute
	Quiet     []QuietHours
	Digests   []Digest
	Templates []MessageTemplate
	Runbooks  []Runbook
	// Keep is how long what was told, and what was not, can be looked up.
	Keep time.Duration
}

// Channel is a place where people are told: exactly one of its kinds is set.
type Channel struct {
	Name         string
	Slack        *Slack
	PagerDuty    *PagerDuty
	Alertmanager *Alertmanager
	Email        *Email
	Webhook      *NoticeHook
	Shoutrrr     *Shoutrrr
	// Template names an entry of Templates; "" for the one that is built in.
	Template string
	// Timeout bounds one sending.
	Timeout time.Duration
}

// Slack is a channel of Slack, written to by an app's bot.
type Slack struct {
	URL       string
	Channel   string
	TokenFile string
	// SigningSecretFile proves that a press of a button comes from Slack; "" for no
	// buttons.
	SigningSecretFile string
	// People gives who somebody is here by their id there.
	People map[string]string
}

// PagerDuty is an integration of a service there, by its Events API v2.
type PagerDuty struct {
	URL     string
	KeyFile string
}

// Alertmanager is one that alerts are sent to.
type Alertmanager struct {
	URL             string
	BearerTokenFile string
	Labels          map[string]string
	TLS
}

// Email is people who are written to by way of a mail server.
type Email struct {
	Server string
	// Security is starttls, tls or none.
	Security     string
	Username     string
	PasswordFile string
	From         string
	To           []string
	TLS
}

// NoticeHook is a program that gets notices as signed JSON.
type NoticeHook struct {
	URL        string
	SecretFile string
	TLS
}

// Shoutrrr is any service that the library of that name speaks.
type Shoutrrr struct{ URLFile string }

// NoticeRoute says where notices of some kind go.
type NoticeRoute struct {
	Match NoticeMatch
	To    []string
	// After holds back what can be over by itself until it has lasted so long.
	After time.Duration
	// Group is how long a notice waits for others of the same service, to go
	// together.
	Group time.Duration
	// Quiet and Digest name entries of Notices.Quiet and Digests, for what is not
	// a page; "" for none.
	Quiet, Digest string
	Escalate      []Escalation
	// Also says that later routes are tried, too.
	Also bool
}

// NoticeMatch is what a notice must be; what is empty takes all. The texts are
// patterns in which * stands for anything.
type NoticeMatch struct {
	Teams, Services, Environments []string
	Events                        []release.Happening
	Severities                    []release.Urgency
}

// Escalation is who else is told of a page that nobody acknowledged.
type Escalation struct {
	// After counts from when the page was sent on.
	After time.Duration
	To    []string
}

// QuietHours are when only pages are told.
type QuietHours struct {
	Name, Zone string
	Days       []Weekday
	// From and To are times of a day; where To is not after From it is one of the
	// next day.
	From, To time.Duration
}

// Digest is when what waits for it is told.
type Digest struct {
	Name, Zone string
	At         time.Duration
	// Days are those on which it goes out.
	Days []Weekday
}

// Weekday is the short name of a day.
type Weekday string

// Weekdays are the days, Sunday first, as in package time.
func Weekdays() []Weekday { return []Weekday{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} }

// MessageTemplate is how a message is put into words.
type MessageTemplate struct{ Name, Title, Text string }

// Runbook is what to do when people are called for some services.
type Runbook struct {
	Services []string
	Text     string
	Links    []release.Link
}

var noticesDocument = document[Notices]{
	kind: "Notices", title: "who is told of what", keys: headed("Notices", noticesSpecKeys), rules: noticesRules,
	read: func(n *Notices) (*[]byte, *string) { return &n.Text, &n.Hash },
}

// ParseNotices reads who is told of what, as Parse reads a release file: name is
// what errors call it, and an error holds all that is wrong.
func ParseNotices(name string, text []byte) (Notices, error) {
	return noticesDocument.parse(name, text)
}

// FormatNotices writes it in full, with every default spelled out.
func FormatNotices(n Notices) []byte { return noticesDocument.format(n) }

// noticesRules checks what must hold between the keys.
func noticesRules(c *checker, n Notices) {
	channels := unique(c, "spec.channels", n.Channels, func(x Channel) string { return x.Name })
	quiet := unique(c, "spec.quietHours", n.Quiet, func(x QuietHours) string { return x.Name })
	digests := unique(c, "spec.digests", n.Digests, func(x Digest) string { return x.Name })
	templates := unique(c, "spec.templates", n.Templates, func(x MessageTemplate) string { return x.Name })
	for i, ch := range n.Channels {
		at := entryAt("spec.channels", i)
		templates.has(c, at+".template", ch.Template, "template")
		channelRules(c, ch, at)
	}
	for i, q := range n.Quiet {
		if at := entryAt("spec.quietHours", i); q.From == q.To && c.fine(at+".from", at+".to") {
			c.fail(at+".to", "is from, so that it is never or always quiet", "write two times, such as 22:00 and 07:00")
		}
	}
	taken := false
	for i, r := range n.Routes {
		at := entryAt("spec.routes", i)
		if taken {
			c.fail(at, "is never reached: an earlier route takes every notice", "put it before that one, or let that one say also: true")
		}
		taken = taken || r.Match.all() && !r.Also && c.fine(at+".match")
		routeRules(c, r, at, channels)
		quiet.has(c, at+".quiet", r.Quiet, "entry of quietHours")
		digests.has(c, at+".digest", r.Digest, "digest")
		if r.Quiet != "" && r.Digest != "" {
			c.fail(at+".quiet", "means nothing beside digest, which goes out at a time of its own", "take one of them out")
		}
	}
	if len(c.errs) == 0 && !pagesArrive(n.Routes) {
		c.fail("spec.routes", "have none that takes every page, and a page must reach somebody", "add a last one without match: - { to: […] }")
	}
}

// all says that every notice fits.
func (m NoticeMatch) all() bool {
	return len(m.Teams)+len(m.Services)+len(m.Environments)+len(m.Events)+len(m.Severities) == 0
}

// pagesArrive says that there is a route that takes every page.
func pagesArrive(routes []NoticeRoute) bool {
	for _, r := range routes {
		m := r.Match
		for _, s := range m.Severities {
			if s == release.Page {
				m.Severities = nil
				break
			}
		}
		if m.all() {
			return true
		}
	}
	return false
}

func routeRules(c *checker, r NoticeRoute, at string, channels names) {
	there := map[string]bool{}
	tell := func(at string, to []string) {
		for i, name := range to {
			entry := entryAt(at, i)
			channels.has(c, entry, name, "channel")
			if there[name] && name != "" {
				c.fail(entry, clip(name)+" is told already by this route", "take it out, or name another")
			}
			there[name] = true
		}
	}
	tell(at+".to", r.To)
	last := time.Duration(0)
	for i, e := range r.Escalate {
		entry := entryAt(at+".escalate", i)
		tell(entry+".to", e.To)
		if e.After <= last && c.fine(entry+".after") {
			c.fail(entry+".after", "is not later than the one before", "let the times rise; they count from the page itself")
		}
		last = e.After
	}
}

func channelRules(c *checker, ch Channel, at string) {
	switch {
	case ch.Slack != nil:
		if len(ch.Slack.People) > 0 && ch.Slack.SigningSecretFile == "" {
			c.fail(at+".slack.people", "are for buttons, which need signingSecretFile", "write it, or take people out")
		}
	case ch.Alertmanager != nil:
		certificateRules(c, ch.Alertmanager.TLS, at+".alertmanager")
	case ch.Webhook != nil:
		certificateRules(c, ch.Webhook.TLS, at+".webhook")
	case ch.Email != nil:
		certificateRules(c, ch.Email.TLS, at+".email")
		if (ch.Email.Username == "") != (ch.Email.PasswordFile == "") && c.fine(at+".email.username", at+".email.passwordFile") {
			c.fail(at+".email", "has only one of username and passwordFile", "write both or none")
		}
		if ch.Email.Username != "" && ch.Email.Security == "none" {
			c.fail(at+".email.security", "none would send the password in the clear", "write starttls or tls")
		}
	}
}

// names are those of a list's entries.
type names map[string]bool

// unique gives the names of a list's entries, and refuses doubles.
func unique[T any](c *checker, path string, list []T, name func(T) string) names {
	all := names{}
	for i, x := range list {
		n := name(x)
		if n != "" && all[n] {
			c.fail(entryAt(path, i)+".name", clip(n)+" is there already", "give each its own")
		}
		all[n] = true
	}
	return all
}

// has refuses a name that is not among them.
func (all names) has(c *checker, path, name, what string) {
	if name == "" || all[name] || !c.fine(path) {
		return
	}
	hint := "there is none"
	if known := sorted(all); len(known) > 0 {
		hint = "known: " + orList(known)
		if near := nearest(name, known); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
	}
	c.fail(path, clip(name)+" is no "+what+" of this file", hint)
}

func entryAt(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
