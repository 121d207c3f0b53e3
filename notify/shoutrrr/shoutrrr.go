// Package shoutrrr tells any service that the library of that name speaks, by a
// URL: Discord, Teams, Telegram, Matrix, ntfy, Gotify and many more;
// https://shoutrrr.nickfedor.com lists them.
//
// The library takes no http client and no context, and its errors hold its URLs,
// which are secrets: so a sending runs beside us and is left behind when its time
// is over, one at a time, and of an error only the status is told. It follows
// redirects as Go does. None of these services has a key against doubles.
package shoutrrr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/nicholas-fedor/shoutrrr/pkg/router"
	"github.com/nicholas-fedor/shoutrrr/pkg/types"
	"github.com/nicholas-fedor/shoutrrr/pkg/util/jsonclient"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// Config says where messages go. All must be set.
type Config struct {
	URLFile string
	Timeout time.Duration
}

// Channel is a service that shoutrrr speaks.
type Channel struct {
	cfg Config
	// busy has room for the one sending that may go on.
	busy chan struct{}
}

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg, make(chan struct{}, 1)} }

// maxText is what the narrowest of the services takes, in characters.
const maxText = 1900

// Send sends a message.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	service, scheme, err := c.service()
	if err != nil {
		return release.Sent{}, err
	}
	select {
	case c.busy <- struct{}{}:
	default:
		return release.Sent{}, fmt.Errorf("%s has not answered the message before: %w", scheme, release.ErrUnavailable)
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-c.busy }()
		done <- service.Send(post.Cut(m.Title+"\n"+m.Text, maxText), &types.Params{})
	}()
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return release.Sent{}, told(scheme, err)
	case <-timer.C:
		return release.Sent{}, fmt.Errorf("%s did not answer within %s: %w", scheme, c.cfg.Timeout, release.ErrUnavailable)
	case <-ctx.Done():
		return release.Sent{}, fmt.Errorf("%s: %w: %w", scheme, ctx.Err(), release.ErrUnavailable)
	}
}

// Check tells whether the URL is one that the library knows; nothing is sent.
func (c *Channel) Check(context.Context) error {
	_, _, err := c.service()
	return err
}

// service reads the URL.
func (c *Channel) service() (_ types.Service, scheme string, err error) {
	address, err := post.Secret(c.cfg.URLFile)
	if err != nil {
		return nil, "", err
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return nil, "", fmt.Errorf("%s holds no URL such as discord://token@id: %w", c.cfg.URLFile, release.ErrInvalid)
	}
	service, err := new(router.ServiceRouter).Locate(address)
	if err != nil {
		return nil, "", fmt.Errorf("%s holds a URL of %s that shoutrrr does not take: %w", c.cfg.URLFile, u.Scheme, release.ErrInvalid)
	}
	return service, u.Scheme, nil
}

// told is an error without what it says, which may hold the URL.
func told(scheme string, err error) error {
	if err == nil {
		return nil
	}
	var status jsonclient.Error
	if !errors.As(err, &status) || status.StatusCode == 0 {
		return fmt.Errorf("%s did not take the message, or could not be reached (why is not shown, since it may hold the URL): %w", scheme, release.ErrUnavailable)
	}
	meaning := release.ErrInvalid
	if status.StatusCode/100 == 5 || status.StatusCode == http.StatusTooManyRequests || status.StatusCode == http.StatusRequestTimeout {
		meaning = release.ErrUnavailable
	}
	return fmt.Errorf("%s answered %d: %w", scheme, status.StatusCode, meaning)
}
