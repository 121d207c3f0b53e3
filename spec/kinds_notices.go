package spec

import (
	"fmt"
	"strings"
	"time"
)

// The scalars of what is told when.
var (
	clockTimes = &kind[time.Duration]{noun: "a time of the day", classes: textOnly, pattern: `^[0-2][0-9]:[0-5][0-9]$`, parse: parseClockTime, format: formatClockTime}
	mailboxes  = &kind[string]{noun: "an e-mail address", pattern: `^[^@ <>,]+@[^@ <>,]+$`, parse: parseMailbox, format: same}
	// wording is a template of package text/template; it is parsed where it is
	// used, and by lint.
	wording = &kind[string]{noun: "a template", parse: parseParagraph, format: same}
)

func parseClockTime(s string) (time.Duration, fault) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		return 0, fault{"is not a time of the day", "write one such as 09:00 or 22:30, in quotes"}
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, fault{}
}

func formatClockTime(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d/time.Hour), int(d%time.Hour/time.Minute))
}

func parseMailbox(s string) (string, fault) {
	name, host, _ := strings.Cut(s, "@")
	if name == "" || host == "" || len(s) > 254 || strings.ContainsAny(s, " <>,;:\\\"()[]") || strings.Contains(host, "@") ||
		strings.ContainsFunc(s, func(r rune) bool { return control(r) || r > 0x7e }) {
		return "", fault{"is not an e-mail address", "write one such as team@example.com"}
	}
	return s, fault{}
}
