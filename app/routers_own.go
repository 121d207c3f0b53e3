package app

import (
	"context"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/exec"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/webhook"
)

// execRouter is a command of the user's own.
func execRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.Exec
	return exec.New(exec.Config{
		Rules: ownRules(c.Own, f), Command: c.Command, Folder: c.Folder, Env: c.Env, Timeout: c.Timeout,
	})
}

// webhookRouter is an HTTP endpoint of the user's own.
func webhookRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.Webhook
	return webhook.New(webhook.Config{
		Rules: ownRules(c.Own, f), URL: c.URL, BearerTokenFile: c.BearerTokenFile, Headers: c.Headers,
		CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, ServerName: c.ServerName, Insecure: c.Insecure, Timeout: c.Timeout,
	})
}

// ownRules are what a provider of one's own can serve: what the file asks of it.
func ownRules(o spec.Own, f spec.File) split.Rules {
	rules := split.Rules{Service: f.Service, Arms: arms(f), Grain: o.Grain}
	rules.Abilities = split.Asked(release.Route{Testers: o.Testers, Sticky: o.Sticky, Mirror: o.Mirror, Lease: o.Lease})
	if o.Ready {
		rules.Abilities = append(rules.Abilities, release.Readiness)
	}
	return rules
}
