package app_test

import (
	"strings"
	"testing"

	"github.com/linnet-project/linnet/demo"
)

// An approval is given at a server, taken back, and then the release is refused:
// that ends it.
func TestRejectAndRetractAtAServer(t *testing.T) {
	t.Parallel()
	d := drive(t, "asked", demo.None, "")
	d.serve()
	file := d.write(story{traffic: d.remote(), source: d.scraping(), metrics: []string{ownErrors},
		steps: "[ { weight: 30%, atLeast: 1s, atMost: 5m, approval: { from: release-managers, quorum: 2 } } ]"})
	at := []string{"--server", d.url(), "asked"}
	order := func(verb string, code int, patterns ...string) {
		t.Helper()
		expect(t, code, append([]string{"release", verb, "--wait", "30s", "--reason", "to see"}, at...), patterns...)
	}
	expect(t, 0, []string{"release", "create", "--server", d.url(), "-f", file}, "asked/1: begun")
	eventually(t, "it to ask", func() bool {
		_, said := fetch(t, d.url()+"/v1/releases/asked/1")
		return strings.Contains(said, "waiting for approval")
	})
	order("retract", 1, "retract is refused: ")
	order("approve", 0, `asked/1: waiting for approval: `)
	order("retract", 0, `asked/1: waiting for approval: `)
	order("reject", 0, `asked/1: `)
	expect(t, 5, append([]string{"release", "watch"}, at...), `asked/1: aborted`)
	order("reject", 1)
}
