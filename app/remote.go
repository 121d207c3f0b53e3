package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

const (
	// remoteWait bounds one question to a server, remoteAnswer what it may
	// answer, in bytes.
	remoteWait   = 30 * time.Second
	remoteAnswer = 16 << 20
)

// remote is a server elsewhere, and what shows who asks it.
type remote struct {
	server, token string
	client        *http.Client
}

// newRemote checks where a token would be sent: over plain HTTP it goes to this
// machine alone. caFile names certificates to trust; "" for the system's.
func newRemote(server, token, caFile string) (*remote, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("--server: not a URL such as https://linnet.example.com; %w", errUsage)
	}
	if u.Scheme == "http" && !ownMachine(u.Hostname()) {
		return nil, fmt.Errorf("--server %s: a token would go over the network for all to read: write https://: %w", u.Host, release.ErrInvalid)
	}
	transport, err := trusting(caFile)
	if err != nil {
		return nil, err
	}
	return &remote{server: strings.TrimSuffix(server, "/"), token: token, client: &http.Client{
		Timeout: remoteWait, Transport: transport,
		// A token goes where it was meant to go, and nowhere that says it has moved.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// trusting asks servers whose certificates those of a file vouch for; "" for those
// of the system.
func trusting(caFile string) (*http.Transport, error) {
	config, err := web.TLS(web.Config{CAFile: caFile})
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return transport, nil
}

func ownMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// call asks the server. What it refuses has one of our meanings.
func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, r.server+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", err, release.ErrUnavailable)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, remoteAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w: %w", r.server, err, release.ErrUnavailable)
	}
	if resp.StatusCode/100 != 2 {
		return r.problem(resp.StatusCode, text)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: no answer of a Linnet: %w: %w", r.server, err, release.ErrUnavailable)
	}
	return nil
}

// problem is an error of what a server answered.
func (r *remote) problem(status int, text []byte) error {
	var said struct{ Detail string }
	if json.Unmarshal(text, &said) != nil || said.Detail == "" {
		said.Detail = http.StatusText(status)
	}
	err := errors.New(r.server + ": " + printable(said.Detail))
	for _, m := range []struct {
		from    int
		meaning error
	}{{500, release.ErrUnavailable}, {429, release.ErrUnavailable}, {422, release.ErrInvalid}, {409, release.ErrConflict}, {404, release.ErrNotFound}} {
		if status == m.from || m.from == 500 && status >= 500 {
			return fmt.Errorf("%w: %w", err, m.meaning)
		}
	}
	return err
}
