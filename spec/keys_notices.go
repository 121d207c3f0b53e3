package spec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

var noticesSpecKeys = &object[Notices]{keys: []key[Notices]{
	{name: "channels", doc: "The places where people are told.",
		bind: at(func(n *Notices) *[]Channel { return &n.Channels }, &listOf[Channel]{item: channelKeys})},
	{name: "routes", doc: "Which notices go where. The first that fits holds.",
		bind: at(func(n *Notices) *[]NoticeRoute { return &n.Routes }, &listOf[NoticeRoute]{item: noticeRouteKeys})},
	{name: "quietHours", doc: "When only pages are told.",
		bind: at(func(n *Notices) *[]QuietHours { return &n.Quiet }, &listOf[QuietHours]{item: quietHoursKeys})},
	{name: "digests", doc: "When what waits for a digest is told.",
		bind: at(func(n *Notices) *[]Digest { return &n.Digests }, &listOf[Digest]{item: digestKeys})},
	{name: "templates", doc: "How messages are put into words.",
		bind: at(func(n *Notices) *[]MessageTemplate { return &n.Templates }, &listOf[MessageTemplate]{item: templateKeys})},
	{name: "runbooks", doc: "What to do when people are called, by service. The first that fits holds, beside the release's own.",
		bind: at(func(n *Notices) *[]Runbook { return &n.Runbooks }, &listOf[Runbook]{item: runbookKeys})},
	{name: "keep", doc: "How long what was told, and what was not, can be looked up.", def: "30d",
		bind: at(func(n *Notices) *time.Duration { return &n.Keep }, between(durations, day, maxDuration))},
}}

var channelKeys = &object[Channel]{
	noun:    "channel",
	exactly: []string{"slack", "pagerduty", "alertmanager", "email", "webhook", "shoutrrr"},
	keys: []key[Channel]{
		{name: "name", doc: "What routes call it.", need: true, sample: "payments",
			bind: at(func(c *Channel) *string { return &c.Name }, releaseName)},
		{name: "slack", doc: "A channel of Slack.",
			bind: at(func(c *Channel) **Slack { return &c.Slack }, optional[Slack]{slackKeys})},
		{name: "pagerduty", doc: "A service of PagerDuty.",
			bind: at(func(c *Channel) **PagerDuty { return &c.PagerDuty }, optional[PagerDuty]{pagerDutyKeys})},
		{name: "alertmanager", doc: "An Alertmanager of Prometheus.",
			bind: at(func(c *Channel) **Alertmanager { return &c.Alertmanager }, optional[Alertmanager]{alertmanagerKeys})},
		{name: "email", doc: "People who are written to.",
			bind: at(func(c *Channel) **Email { return &c.Email }, optional[Email]{emailKeys})},
		{name: "webhook", doc: "A program that gets signed JSON.",
			bind: at(func(c *Channel) **NoticeHook { return &c.Webhook }, optional[NoticeHook]{noticeHookKeys})},
		{name: "shoutrrr", doc: "Any service that shoutrrr speaks: Discord, Teams, Telegram, ntfy and many more.",
			bind: at(func(c *Channel) **Shoutrrr { return &c.Shoutrrr }, optional[Shoutrrr]{shoutrrrKeys})},
		{name: "template", doc: "The entry of templates that its messages are put into words by.", words: "the one that is built in",
			bind: at(func(c *Channel) *string { return &c.Template }, releaseName)},
		{name: "timeout", doc: "How long one sending may take.", def: "10s",
			bind: at(func(c *Channel) *time.Duration { return &c.Timeout }, between(durations, 100*time.Millisecond, 20*time.Second))},
	}}

var slackKeys = &object[Slack]{keys: []key[Slack]{
	{name: "channel", doc: "The channel's id, C0123456789, or name.", need: true, sample: "C0123456789",
		bind: at(func(s *Slack) *string { return &s.Channel }, freeText)},
	{name: "tokenFile", doc: "The file that holds the bot's token (`xoxb-…`), with the right `chat:write`.", need: true, sample: "/run/secrets/slack-token",
		bind: at(func(s *Slack) *string { return &s.TokenFile }, filePath)},
	{name: "signingSecretFile", doc: "The file that holds the app's signing secret. With it messages have buttons, which Slack sends to `/v1/slack/actions`.", words: "no buttons",
		bind: at(func(s *Slack) *string { return &s.SigningSecretFile }, filePath)},
	{name: "people", doc: "Who somebody is here (anna@example.com), by their id in Slack (U0123456789). Nobody else's press of a button does anything.",
		bind: at(func(s *Slack) *map[string]string { return &s.People }, texts(tagName, personName, 0))},
	{name: "url", doc: "Where Slack's API is.", def: "https://slack.com/api",
		bind: at(func(s *Slack) *string { return &s.URL }, httpURL)},
}}

var pagerDutyKeys = &object[PagerDuty]{keys: []key[PagerDuty]{
	{name: "keyFile", doc: "The file that holds the integration key of an Events API v2 integration.", need: true, sample: "/run/secrets/pagerduty",
		bind: at(func(p *PagerDuty) *string { return &p.KeyFile }, filePath)},
	{name: "url", doc: "Where the Events API is; https://events.eu.pagerduty.com for accounts in the EU.", def: "https://events.pagerduty.com",
		bind: at(func(p *PagerDuty) *string { return &p.URL }, httpURL)},
}}

var alertmanagerKeys = &object[Alertmanager]{keys: []key[Alertmanager]{
	{name: "url", doc: "Where it is.", need: true, sample: "http://alertmanager:9093",
		bind: at(func(a *Alertmanager) *string { return &a.URL }, httpURL)},
	{name: "bearerTokenFile", doc: "A file that holds a token to send along.",
		bind: at(func(a *Alertmanager) *string { return &a.BearerTokenFile }, filePath)},
	{name: "labels", doc: "Labels of every alert, besides Linnet's own.",
		bind: at(func(a *Alertmanager) *map[string]string { return &a.Labels }, texts(labelName, freeText, 0))},
	{name: "tls", doc: "How its certificate is checked, and what is shown to it.",
		bind: at(func(a *Alertmanager) *TLS { return &a.TLS }, tlsKeys)},
}}

var emailKeys = &object[Email]{keys: []key[Email]{
	{name: "server", doc: "The mail server.", need: true, sample: "smtp.example.com:587",
		bind: at(func(e *Email) *string { return &e.Server }, address)},
	{name: "security", doc: "How the connection is secured: by STARTTLS, by TLS from the start, or not.", def: "starttls",
		bind: at(func(e *Email) *string { return &e.Security }, oneOf("starttls", "tls", "none"))},
	{name: "username", doc: "Whom to log in as. Needs passwordFile.", words: "no login",
		bind: at(func(e *Email) *string { return &e.Username }, freeText)},
	{name: "passwordFile", doc: "The file that holds the password.",
		bind: at(func(e *Email) *string { return &e.PasswordFile }, filePath)},
	{name: "from", doc: "Whom the mail is from.", need: true, sample: "linnet@example.com",
		bind: at(func(e *Email) *string { return &e.From }, mailboxes)},
	{name: "to", doc: "Whom it is to.", need: true, sample: "[payments@example.com]",
		bind: at(func(e *Email) *[]string { return &e.To }, &listOf[string]{item: mailboxes, min: 1})},
	{name: "tls", doc: "How its certificate is checked, and what is shown to it.",
		bind: at(func(e *Email) *TLS { return &e.TLS }, tlsKeys)},
}}

var noticeHookKeys = &object[NoticeHook]{keys: []key[NoticeHook]{
	{name: "url", doc: "Where the JSON is posted to.", need: true, sample: "https://hooks.example.com/linnet",
		bind: at(func(h *NoticeHook) *string { return &h.URL }, httpURL)},
	{name: "secretFile", doc: "The file that holds the secret that bodies are signed with.", need: true, sample: "/run/secrets/hook",
		bind: at(func(h *NoticeHook) *string { return &h.SecretFile }, filePath)},
	{name: "tls", doc: "How its certificate is checked, and what is shown to it.",
		bind: at(func(h *NoticeHook) *TLS { return &h.TLS }, tlsKeys)},
}}

var shoutrrrKeys = &object[Shoutrrr]{keys: []key[Shoutrrr]{
	{name: "urlFile", doc: "The file that holds the URL, which is a secret: `discord://token@id`.", need: true, sample: "/run/secrets/discord",
		bind: at(func(s *Shoutrrr) *string { return &s.URLFile }, filePath)},
}}

var noticeRouteKeys = &object[NoticeRoute]{keys: []key[NoticeRoute]{
	{name: "match", doc: "What a notice must be. All that is written must fit.", words: "every notice",
		bind: at(func(r *NoticeRoute) *NoticeMatch { return &r.Match }, noticeMatchKeys)},
	{name: "to", doc: "The channels that are told.", need: true, sample: "[payments]",
		bind: at(func(r *NoticeRoute) *[]string { return &r.To }, &listOf[string]{item: releaseName, min: 1})},
	{name: "after", doc: "Only what lasts so long is told, of what can be over by itself (a hold, an approval, no data, a provider that fails).", def: "0s",
		bind: at(func(r *NoticeRoute) *time.Duration { return &r.After }, between(durations, 0, day))},
	{name: "group", doc: "How long a notice waits for others of the same service, to go together. A page waits no longer than that.", def: "10s",
		bind: at(func(r *NoticeRoute) *time.Duration { return &r.Group }, between(durations, 0, time.Hour))},
	{name: "quiet", doc: "The entry of quietHours in which only pages are told; the rest waits for their end.", words: "never",
		bind: at(func(r *NoticeRoute) *string { return &r.Quiet }, releaseName)},
	{name: "digest", doc: "The digest that all but pages wait for.", words: "told at once",
		bind: at(func(r *NoticeRoute) *string { return &r.Digest }, releaseName)},
	{name: "escalate", doc: "Who else is told of a page that nobody acknowledged.", words: "nobody",
		bind: at(func(r *NoticeRoute) *[]Escalation { return &r.Escalate }, &listOf[Escalation]{item: escalationKeys})},
	{name: "also", doc: "Whether later routes are tried, too.", def: "false",
		bind: at(func(r *NoticeRoute) *bool { return &r.Also }, booleans)},
}}

var noticeMatchKeys = &object[NoticeMatch]{keys: []key[NoticeMatch]{
	{name: "teams", doc: "The label `team` of the release; * stands for anything.",
		bind: at(func(m *NoticeMatch) *[]string { return &m.Teams }, &listOf[string]{item: pattern, min: 1})},
	{name: "services", doc: "The service.",
		bind: at(func(m *NoticeMatch) *[]string { return &m.Services }, &listOf[string]{item: pattern, min: 1})},
	{name: "environments", doc: "The label `environment` of the release.",
		bind: at(func(m *NoticeMatch) *[]string { return &m.Environments }, &listOf[string]{item: pattern, min: 1})},
	{name: "events", doc: "What the notice tells of.",
		bind: at(func(m *NoticeMatch) *[]release.Happening { return &m.Events }, &listOf[release.Happening]{item: oneOf(release.Happenings()...), min: 1})},
	{name: "severities", doc: "Whether it may wake somebody.",
		bind: at(func(m *NoticeMatch) *[]release.Urgency { return &m.Severities }, &listOf[release.Urgency]{item: oneOf(release.Page, release.Inform), min: 1})},
}}

var escalationKeys = &object[Escalation]{keys: []key[Escalation]{
	{name: "after", doc: "How long after the page.", need: true, sample: "10m",
		bind: at(func(e *Escalation) *time.Duration { return &e.After }, between(durations, time.Second, day))},
	{name: "to", doc: "The channels that are told then.", need: true, sample: "[managers]",
		bind: at(func(e *Escalation) *[]string { return &e.To }, &listOf[string]{item: releaseName, min: 1})},
}}

var quietHoursKeys = &object[QuietHours]{keys: []key[QuietHours]{
	{name: "name", doc: "What routes call it.", need: true, sample: "nights",
		bind: at(func(q *QuietHours) *string { return &q.Name }, releaseName)},
	{name: "zone", doc: "The time zone.", def: "UTC",
		bind: at(func(q *QuietHours) *string { return &q.Zone }, zones)},
	{name: "days", doc: "The days on which it begins.", words: "every day",
		bind: at(func(q *QuietHours) *[]Weekday { return &q.Days }, &listOf[Weekday]{item: oneOf(Weekdays()...), min: 1})},
	{name: "from", doc: "When it begins.", need: true, sample: `"22:00"`, zero: true,
		bind: at(func(q *QuietHours) *time.Duration { return &q.From }, clockTimes)},
	{name: "to", doc: "When it ends; on the next day where that is not after from.", need: true, sample: `"07:00"`, zero: true,
		bind: at(func(q *QuietHours) *time.Duration { return &q.To }, clockTimes)},
}}

var digestKeys = &object[Digest]{keys: []key[Digest]{
	{name: "name", doc: "What routes call it.", need: true, sample: "daily",
		bind: at(func(d *Digest) *string { return &d.Name }, releaseName)},
	{name: "at", doc: "When it goes out.", def: `"09:00"`,
		bind: at(func(d *Digest) *time.Duration { return &d.At }, clockTimes)},
	{name: "zone", doc: "The time zone.", def: "UTC",
		bind: at(func(d *Digest) *string { return &d.Zone }, zones)},
	{name: "days", doc: "The days on which it goes out; one of them for a weekly one.", words: "every day",
		bind: at(func(d *Digest) *[]Weekday { return &d.Days }, &listOf[Weekday]{item: oneOf(Weekdays()...), min: 1})},
}}

var templateKeys = &object[MessageTemplate]{keys: []key[MessageTemplate]{
	{name: "name", doc: "What channels call it.", need: true, sample: "short",
		bind: at(func(t *MessageTemplate) *string { return &t.Name }, releaseName)},
	{name: "title", doc: "The first line, or subject.", words: "as built in",
		bind: at(func(t *MessageTemplate) *string { return &t.Title }, wording)},
	{name: "text", doc: "The rest.", words: "as built in",
		bind: at(func(t *MessageTemplate) *string { return &t.Text }, wording)},
}}

var runbookKeys = &object[Runbook]{keys: []key[Runbook]{
	{name: "services", doc: "The services it is for; * stands for anything.", need: true, sample: "[checkout]",
		bind: at(func(r *Runbook) *[]string { return &r.Services }, &listOf[string]{item: pattern, min: 1})},
	{name: "text", doc: "What to do.",
		bind: at(func(r *Runbook) *string { return &r.Text }, paragraph)},
	{name: "links", doc: "Where more is to be found.",
		bind: at(func(r *Runbook) *[]release.Link { return &r.Links }, &listOf[release.Link]{item: linkKeys})},
}}
