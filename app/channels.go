package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/notify/alertmanager"
	"github.com/linnet-project/linnet/notify/email"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/notify/pagerduty"
	"github.com/linnet-project/linnet/notify/shoutrrr"
	"github.com/linnet-project/linnet/notify/slack"
	"github.com/linnet-project/linnet/notify/webhook"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// compileNotices reads who is told of what: the zones and templates that it
// names, and its channels. Paths in it are relative to the file.
func compileNotices(name string, text []byte) (outbox.Plan, error) {
	n, err := spec.ParseNotices(name, text)
	if err != nil {
		return outbox.Plan{}, err
	}
	p := outbox.Plan{
		Rules:    notify.Rules{Notices: n, Zones: map[string]*time.Location{}},
		Channels: map[string]outbox.Channel{}, Words: map[string]notify.Words{},
	}
	var errs []error
	zone := func(where, zone string) {
		loaded, err := time.LoadLocation(zone)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %s is no time zone that this machine knows; write one such as Europe/Berlin: %w", name, where, zone, release.ErrInvalid))
			return
		}
		p.Rules.Zones[zone] = loaded
	}
	for _, q := range n.Quiet {
		zone("quietHours "+q.Name, q.Zone)
	}
	for _, d := range n.Digests {
		zone("digest "+d.Name, d.Zone)
	}
	words := map[string]notify.Words{}
	for _, t := range n.Templates {
		if words[t.Name], err = notify.Compile(t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	for _, c := range n.Channels {
		p.Words[c.Name] = words[c.Template]
		if p.Channels[c.Name], err = openChannel(name, c); err != nil {
			errs = append(errs, fmt.Errorf("%s: channel %s: %w", name, c.Name, err))
		}
	}
	return p, errors.Join(errs...)
}

// checkNotices is what `linnet lint` checks besides the keys. Certificates are
// files that may lie elsewhere than where lint runs; they are left alone.
func checkNotices(name string, text []byte) error {
	_, err := compileNotices(name, text)
	return err
}

// openChannel is the table of channels.
func openChannel(file string, c spec.Channel) (outbox.Channel, error) {
	at := func(path string) string {
		if path == "" {
			return ""
		}
		return beside(file, path)
	}
	switch {
	case c.Slack != nil:
		client, err := noticeClient(file, spec.TLS{})
		return slack.New(slack.Config{URL: c.Slack.URL, Channel: c.Slack.Channel, TokenFile: at(c.Slack.TokenFile),
			Buttons: c.Slack.SigningSecretFile != "", Client: client, Timeout: c.Timeout}), err
	case c.PagerDuty != nil:
		client, err := noticeClient(file, spec.TLS{})
		return pagerduty.New(pagerduty.Config{URL: c.PagerDuty.URL, KeyFile: at(c.PagerDuty.KeyFile), Client: client, Timeout: c.Timeout}), err
	case c.Alertmanager != nil:
		client, err := noticeClient(file, c.Alertmanager.TLS)
		return alertmanager.New(alertmanager.Config{URL: c.Alertmanager.URL, BearerTokenFile: at(c.Alertmanager.BearerTokenFile),
			Labels: c.Alertmanager.Labels, Client: client, Timeout: c.Timeout, Now: time.Now}), err
	case c.Email != nil:
		trust, err := noticeTLS(file, c.Email.TLS)
		return email.New(email.Config{Server: c.Email.Server, Security: c.Email.Security, Username: c.Email.Username, PasswordFile: at(c.Email.PasswordFile),
			From: c.Email.From, To: c.Email.To, TLS: trust, Timeout: c.Timeout, Now: time.Now}), err
	case c.Webhook != nil:
		client, err := noticeClient(file, c.Webhook.TLS)
		return webhook.New(webhook.Config{URL: c.Webhook.URL, SecretFile: at(c.Webhook.SecretFile), Client: client, Timeout: c.Timeout, Now: time.Now}), err
	}
	return shoutrrr.New(shoutrrr.Config{URLFile: at(c.Shoutrrr.URLFile), Timeout: c.Timeout}), nil
}

// noticeTLS trusts and shows what a channel's settings say.
func noticeTLS(file string, t spec.TLS) (*tls.Config, error) {
	at := func(path string) string {
		if path == "" {
			return ""
		}
		return beside(file, path)
	}
	return web.TLS(web.Config{CAFile: at(t.CAFile), CertFile: at(t.CertFile), KeyFile: at(t.KeyFile), ServerName: t.ServerName, Insecure: t.Insecure})
}

func noticeClient(file string, t spec.TLS) (*http.Client, error) {
	config, err := noticeTLS(file, t)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 1
	return &http.Client{Transport: transport}, nil
}

// secretsThere tells which files of secrets that a notices file names cannot be
// read here.
func secretsThere(file string, n spec.Notices) (errs []error) {
	look := func(channel, path string) {
		if path == "" {
			return
		}
		if _, err := os.Stat(beside(file, path)); err != nil {
			errs = append(errs, fmt.Errorf("channel %s: %w", channel, err))
		}
	}
	for _, c := range n.Channels {
		switch {
		case c.Slack != nil:
			look(c.Name, c.Slack.TokenFile)
			look(c.Name, c.Slack.SigningSecretFile)
		case c.PagerDuty != nil:
			look(c.Name, c.PagerDuty.KeyFile)
		case c.Alertmanager != nil:
			look(c.Name, c.Alertmanager.BearerTokenFile)
		case c.Email != nil:
			look(c.Name, c.Email.PasswordFile)
		case c.Webhook != nil:
			look(c.Name, c.Webhook.SecretFile)
		case c.Shoutrrr != nil:
			look(c.Name, c.Shoutrrr.URLFile)
		}
	}
	return errs
}
