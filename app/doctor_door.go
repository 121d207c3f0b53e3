package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/spec"
)

const (
	// doorTime is how long a front door may take to say how it is, and doorBytes
	// how much.
	doorTime  = 3 * time.Second
	doorBytes = 4 << 20
	// mostDoorSenders are told.
	mostDoorSenders = 10
	// doorLate is how far behind the last closed window of a door may be beyond a
	// release's delay.
	doorLate = time.Minute
)

// doorCheck is how the front door of a release is.
type doorCheck struct {
	Address string `json:"address"`
	// Open says that it answers; nothing else is known where it does not.
	Open bool `json:"open"`
	doorStatus
	Problems []problem `json:"problems,omitempty"`
}

// examineDoor asks the door for its health, and for metrics where it answers
// queries; false where it is not open or does not.
func (d *diagnosis) examineDoor(ctx context.Context, f spec.File, checks []*metricCheck) bool {
	d.Door = &doorCheck{Address: f.Analysis.Source.Embedded.Receive.Listen}
	url := "http://" + d.Door.Address
	if !read(ctx, url+"/v1/status", &d.Door.doorStatus) {
		return false
	}
	d.Door.Open = true
	d.Door.judge(time.Now(), f.Analysis.Delay)
	if !read(ctx, url+"/api/v1/status/buildinfo", &struct{}{}) {
		return false
	}
	source, err := prometheus.New(prometheus.Config{URL: url, Now: time.Now})
	if err != nil {
		return false
	}
	defer source.Close()
	examineAll(ctx, f, source, max(f.Analysis.Every/4, time.Second).Round(time.Second), checks)
	return true
}

// read gets JSON; false where there is none.
func read(ctx context.Context, url string, into any) bool {
	ctx, cancel := context.WithTimeout(ctx, doorTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(io.LimitReader(resp.Body, doorBytes)).Decode(into) == nil
}

// judge finds what is wrong with a door. None of it stops a release by itself:
// whether its metrics are there does.
func (c *doorCheck) judge(now time.Time, delay time.Duration) {
	add := func(do, format string, args ...any) {
		c.Problems = append(c.Problems, problem{Metric: "front door", Text: fmt.Sprintf(format, args...), Do: do})
	}
	for _, part := range slices.Sorted(maps.Keys(c.Ill)) {
		add("see its log", "%s does not work: %s", part, c.Ill[part])
	}
	if n := c.refused(); n > 0 {
		add("linnet ingest quarantine list shows it", "%d records were refused: %s", n, strings.Join(c.codes(), ", "))
	}
	if len(c.Senders) == 0 {
		add("see that something sends to it", "nothing was sent to it since it opened")
	} else if c.ClosedUntil != nil && now.Sub(*c.ClosedUntil) > delay+doorLate {
		add("see that senders still send, and that their clocks are right", "its last whole window ended %s ago", short(now.Sub(*c.ClosedUntil).Seconds()))
	}
}

func (c *doorCheck) refused() (n uint64) {
	for _, k := range c.Refused {
		n += k
	}
	return n
}

func (c *doorCheck) codes() (all []string) {
	for _, code := range slices.Sorted(maps.Keys(c.Refused)) {
		all = append(all, fmt.Sprintf("%d %s", c.Refused[code], code))
	}
	return all
}

func (c *doorCheck) write(b *strings.Builder, now time.Time) {
	fmt.Fprintf(b, "front door (%s)\n", c.Address)
	if !c.Open {
		b.WriteString("  not open: it opens with the release, and nothing can be asked of it before\n")
		return
	}
	fmt.Fprintf(b, "  accepted   %d, %d of them seen before, %d refused\n", c.Accepted, c.Repeated, c.refused())
	fmt.Fprintf(b, "  queue      %d batches, %d bytes; the log has %d bytes\n", c.QueueBatches, c.QueueBytes, c.LogBytes)
	if c.ClosedUntil != nil {
		fmt.Fprintf(b, "  whole      until %s ago, %d windows open\n", short(now.Sub(*c.ClosedUntil).Seconds()), c.OpenWindows)
	}
	for i, s := range c.Senders {
		if i == mostDoorSenders {
			fmt.Fprintf(b, "  and %d senders more\n", len(c.Senders)-i)
			break
		}
		fmt.Fprintf(b, "  sender     %s, last %s ago, %d accepted, %d refused\n", s.Name, short(now.Sub(s.Last).Seconds()), s.Accepted, s.Refused)
	}
	for _, one := range c.Problems {
		fmt.Fprintf(b, "  problem: %s\n    %s\n", one.Text, one.Do)
	}
}

// notAsked says of a metric that only the release itself can ask for it.
func (c *metricCheck) notAsked(why string) {
	c.NotAsked, c.Warnings = true, append(c.Warnings, why)
}
