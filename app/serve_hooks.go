package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/linnet-project/linnet/hook"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/spec"
)

// openHooks takes what is announced at hooks, and sends what happens to releases.
// A delivery proves itself by the hook's own secret, so whatever asks for a login
// lets these paths through.
func (s *serving) openHooks(ctx context.Context) (func() error, error) {
	if s.settings.Hooks == "" {
		return nil, nil
	}
	file := s.path(s.settings.Hooks)
	text, err := s.readText(file)
	if err != nil {
		return nil, err
	}
	hooks, err := spec.ParseHooks(file, text)
	if err != nil {
		return nil, err
	}
	in, err := hook.NewReceiver(ctx, hook.InConfig{
		Hooks: hooks.In, Folder: filepath.Dir(file), Desk: s.desk, DB: s.db, Log: s.log, Now: s.now,
		From: func(r *http.Request) string { return s.who.From(r) }, // who comes later
	})
	if err != nil {
		return nil, err
	}
	s.mux.Handle("POST /v1/hooks/{name}", in)
	return nil, s.sendEvents(ctx, file, hooks.Out)
}

// sendEvents sends to each target on its own, so that one that is dead holds up no
// other; file is the one that names them.
func (s *serving) sendEvents(ctx context.Context, file string, targets []spec.HookOut) error {
	cfg := hook.OutConfig{
		Journal: s.store, DB: s.db, Folder: filepath.Dir(file), Source: s.url, Holder: rand.Text(), Log: s.log, Now: s.now,
	}
	for _, out := range targets {
		client, err := clientFor(file, out)
		if err != nil {
			return fmt.Errorf("hook %s: %w", out.Name, err)
		}
		sender, err := hook.NewSender(ctx, cfg, hook.Target{HookOut: out, Client: client})
		if err != nil {
			return err
		}
		s.targets = append(s.targets, out.Name)
		s.group.Go(func() error {
			sender.Run(ctx)
			return nil
		})
	}
	if len(s.targets) > 0 {
		s.measures.registry.MustRegister(newTargetMeasures(s))
	}
	return nil
}

// clientFor trusts and shows what the settings of a target say. A redirection is
// not followed: an event goes where the file says, or nowhere.
func clientFor(file string, out spec.HookOut) (*http.Client, error) {
	at := func(path string) string {
		if path == "" {
			return ""
		}
		return beside(file, path)
	}
	config, err := web.TLS(web.Config{CAFile: at(out.TLS.CAFile), CertFile: at(out.TLS.CertFile), KeyFile: at(out.TLS.KeyFile),
		ServerName: out.TLS.ServerName, Insecure: out.TLS.Insecure})
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 1
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}
