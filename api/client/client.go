package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Config says which server is asked, and how.
type Config struct {
	// Server is its URL, such as https://linnet.example.com.
	Server string
	// Token is called for each request and may give "" where none is needed; nil
	// for none.
	Token func() (string, error)
	// Transport reaches the server; nil for http.DefaultTransport.
	Transport http.RoundTripper
	// Patience is how long one call bears a server that cannot be reached or is
	// too busy; 0 for 30 s. Following a release bears it for as long as its
	// context.
	Patience time.Duration
	// Trouble, where set, is told why a try failed that is made again.
	Trouble func(error)
}

// Bounds of requests and answers.
const (
	onceWait   = 60 * time.Second
	mostAnswer = 64 << 20
	firstWait  = 200 * time.Millisecond
	mostWait   = 5 * time.Second
)

// Client asks a server. It is safe for use by several goroutines.
type Client struct {
	cfg  Config
	base string
	http *http.Client
}

// New checks the URL and returns a Client. A token is never sent over plain HTTP
// but to this machine.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server: expected a URL such as https://linnet.example.com: %w", release.ErrInvalid)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("server %s: take out user, query and fragment: %w", u.Host, release.ErrInvalid)
	}
	cfg.Patience = cmp.Or(cfg.Patience, 30*time.Second)
	return &Client{cfg: cfg, base: strings.TrimSuffix(u.String(), "/"), http: &http.Client{
		Transport: cfg.Transport,
		// A token goes where it was meant to go, and nowhere that says it has moved.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// ID names an attempt; 0 is the latest one.
type ID struct {
	Name    string
	Attempt int
}

// String gives NAME/ATTEMPT, or the name alone for the latest attempt.
func (id ID) String() string {
	if id.Attempt == 0 {
		return id.Name
	}
	return id.Name + "/" + strconv.Itoa(id.Attempt)
}

func (id ID) path() string {
	attempt := "latest"
	if id.Attempt > 0 {
		attempt = strconv.Itoa(id.Attempt)
	}
	return "/v1/releases/" + url.PathEscape(id.Name) + "/" + attempt
}

// Choice says which releases are listed; what is empty chooses all.
type Choice struct {
	Service, Team, Environment string
	// Outcome is promoted, rolled-back or aborted; State running or ended.
	Outcome, State, Text, Cursor string
	Limit                        int
}

// List gives a page of releases, the last begun first.
func (c *Client) List(ctx context.Context, choice Choice) (Releases, error) {
	q := query(map[string]string{"service": choice.Service, "team": choice.Team, "environment": choice.Environment,
		"outcome": choice.Outcome, "state": choice.State, "q": choice.Text, "cursor": choice.Cursor})
	if choice.Limit > 0 {
		q.Set("limit", strconv.Itoa(choice.Limit))
	}
	var page Releases
	return page, c.call(ctx, http.MethodGet, "/v1/releases?"+q.Encode(), nil, &page)
}

// query has the values that are not empty.
func query(of map[string]string) url.Values {
	q := url.Values{}
	for name, v := range of {
		if v != "" {
			q.Set(name, v)
		}
	}
	return q
}

// Get tells how a release stands.
func (c *Client) Get(ctx context.Context, id ID) (Release, error) {
	var r Release
	return r, c.call(ctx, http.MethodGet, id.path(), nil, &r)
}

// Record gives the decision record of a release, as `linnet release show --json`
// prints it.
func (c *Client) Record(ctx context.Context, id ID) (json.RawMessage, error) {
	var text json.RawMessage
	return text, c.call(ctx, http.MethodGet, id.path()+"/record", nil, &text)
}

// Course gives the course of a release: of its metrics as a whole, or in a segment,
// with so many points a track at most. Of a long one it may be the beginning; who
// asks again gets more (see records_total).
func (c *Client) Course(ctx context.Context, id ID, segment string, points int) (json.RawMessage, error) {
	q := url.Values{"points": {strconv.Itoa(points)}}
	if segment != "" {
		q.Set("segment", segment)
	}
	var text json.RawMessage
	return text, c.call(ctx, http.MethodGet, id.path()+"/course?"+q.Encode(), nil, &text)
}

// Creation is a release file that is to be begun.
type Creation struct {
	File   string `json:"file"`
	Again  bool   `json:"again,omitempty"`
	Reason string `json:"reason,omitempty"`
	Glass  string `json:"glass,omitempty"`
}

// Create begins a release, or finds the one that the same file began before.
func (c *Client) Create(ctx context.Context, what Creation) (Created, error) {
	var made Created
	return made, c.call(ctx, http.MethodPost, "/v1/releases", what, &made)
}

// because is why, for the record.
type because struct {
	Reason string `json:"reason,omitempty"`
	Glass  string `json:"glass,omitempty"`
}

// Order orders something of a release (approve, pause, resume, advance, abort …)
// and waits up to 30 s for what it makes of it.
func (c *Client) Order(ctx context.Context, id ID, verb, reason string, wait time.Duration) (Answer, error) {
	return c.order(ctx, id, verb, because{Reason: reason}, wait)
}

// OrderPast orders to approve or to advance past approvals, for a reason: the
// answer is a problem that says which second person is needed.
func (c *Client) OrderPast(ctx context.Context, id ID, verb, glass string, wait time.Duration) (Answer, error) {
	return c.order(ctx, id, verb, because{Reason: glass, Glass: glass}, wait)
}

func (c *Client) order(ctx context.Context, id ID, verb string, why because, wait time.Duration) (Answer, error) {
	var a Answer
	path := id.path() + "/" + url.PathEscape(verb) + "?wait=" + min(max(wait, 0), 30*time.Second).String()
	return a, c.call(ctx, http.MethodPost, path, why, &a)
}

// Confirmed is what came of a request to break the glass.
type Confirmed struct {
	Request struct {
		What string `json:"what"`
		By   string `json:"by"`
	} `json:"request"`
	Taken   bool   `json:"taken"`
	Refused bool   `json:"refused"`
	Reason  Reason `json:"reason"`
}

// Confirm agrees to a request to break the glass, as the second person.
func (c *Client) Confirm(ctx context.Context, request string) (Confirmed, error) {
	var made Confirmed
	return made, c.call(ctx, http.MethodPost, "/v1/glass/"+url.PathEscape(request)+"/confirm", nil, &made)
}

// Explain tells whether somebody may do something, and why.
func (c *Client) Explain(ctx context.Context, of Question) (Explanation, error) {
	q := query(map[string]string{"who": of.Who, "what": of.What, "service": of.Service, "team": of.Team, "environment": of.Environment, "group": of.Group})
	for _, claim := range of.Claims {
		q.Add("claim", claim)
	}
	var said Explanation
	return said, c.call(ctx, http.MethodGet, "/v1/access/explain?"+q.Encode(), nil, &said)
}

// Retry begins the next attempt of a release that has ended, with the file that it
// had.
func (c *Client) Retry(ctx context.Context, id ID, reason string) (Created, error) {
	var made Created
	return made, c.call(ctx, http.MethodPost, id.path()+"/retry", because{Reason: reason}, &made)
}

// call asks until there is an answer, or patience runs out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	header := http.Header{"Accept": {"application/json"}}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
		header.Set("Content-Type", "application/json")
	}
	if method != http.MethodGet {
		header.Set("Idempotency-Key", rand.Text())
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Patience+onceWait)
	defer cancel()
	patient, stop := context.WithTimeout(ctx, c.cfg.Patience)
	defer stop()
	return c.again(ctx, patient, func() (time.Duration, error) {
		once, cancel := context.WithTimeout(ctx, onceWait)
		defer cancel()
		resp, err := c.ask(once, method, path, header, body)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
		if err != nil {
			return 0, &lost{c.base, err}
		}
		if resp.StatusCode/100 != 2 {
			return retryAfter(resp.Header), problemOf(resp, text)
		}
		if err := json.Unmarshal(text, out); err != nil {
			return 0, fmt.Errorf("%s: what it answered is not what a Linnet says; is this its address? %w", c.base, release.ErrInvalid)
		}
		return 0, nil
	})
}

// again tries until a try works, fails for good, or patience ends.
func (c *Client) again(ctx, patient context.Context, try func() (time.Duration, error)) error {
	for n := 0; ; n++ {
		after, err := try()
		var away *lost
		var p *Problem
		if err == nil || !errors.As(err, &away) && (!errors.As(err, &p) || !p.passes()) {
			return err
		}
		if ctx.Err() != nil {
			return err // whoever asked stopped it, and nothing is tried again
		}
		if c.cfg.Trouble != nil {
			c.cfg.Trouble(err)
		}
		t := time.NewTimer(max(min(firstWait<<min(n, 10), mostWait), min(after, mostWait)))
		select {
		case <-ctx.Done():
		case <-patient.Done():
		case <-t.C:
			continue
		}
		t.Stop()
		return err
	}
}

// lost is a server that was not reached, or whose answer did not come.
type lost struct {
	server string
	err    error
}

// Error implements error.
func (l *lost) Error() string { return l.server + ": " + l.err.Error() }

// Unwrap gives it its meaning, and what the context says.
func (l *lost) Unwrap() []error { return []error{release.ErrUnavailable, l.err} }

func (c *Client) ask(ctx context.Context, method, path string, header http.Header, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", c.base, err, release.ErrInvalid)
	}
	req.Header = header.Clone()
	req.Header.Set("User-Agent", "linnet")
	if c.cfg.Token != nil {
		token, err := c.cfg.Token()
		if err != nil {
			return nil, err
		}
		if token != "" && req.URL.Scheme == "http" && !thisMachine(req.URL.Hostname()) {
			return nil, fmt.Errorf("%s: a token would go over the network for all to read; write https://: %w", c.base, release.ErrInvalid)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the URL is told once
		}
		return nil, &lost{c.base, err}
	}
	return resp, nil
}

func thisMachine(host string) bool {
	at, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && at.IsLoopback()
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}
