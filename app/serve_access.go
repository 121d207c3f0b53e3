package app

import (
	"context"
	"sync/atomic"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/spec"
)

// openAccess has everybody's rights decided by the file of kind Access. One that
// is wrong at the start ends the server; later the rules before it hold on.
func (s *serving) openAccess(ctx context.Context) (func() error, error) {
	if s.settings.Access == "" {
		if unruled(s.settings) {
			s.log.Warn(unruledText, "do", unruledDo)
		}
		return nil, nil
	}
	file := s.path(s.settings.Access)
	p := &followedPolicy{}
	read := func() error {
		text, err := s.readText(file)
		if err != nil {
			return err
		}
		rules, err := spec.ParseAccess(file, text)
		if err == nil && p.changed(rules.Hash) {
			p.rules.Store(access.New(file, rules))
			s.log.Info("the rules of who may do what are taken", "file", file, "sha256", rules.Hash)
		}
		return err
	}
	if err := read(); err != nil {
		return nil, err
	}
	s.follow(ctx, "the file of who may do what", read)
	s.policy = p
	return nil, nil
}

// What is said of a server that is unruled.
const (
	unruledText = "there is a login and no file of who may do what: whoever has logged in may do everything, and make tokens under other names"
	unruledDo   = "write a file of kind Access and name it under spec.access; see docs/access.md"
)

// unruled tells whether a server lets people in and then lets them do everything.
func unruled(s spec.Server) bool { return s.Login != nil && s.Access == "" }

// followedPolicy is a policy that follows its file.
type followedPolicy struct {
	rules atomic.Pointer[access.Rules]
	hash  string // of the file, for whoever reads it
}

func (p *followedPolicy) changed(hash string) bool {
	was := p.hash
	p.hash = hash
	return was != hash
}

// Decide implements access.Policy.
func (p *followedPolicy) Decide(who access.Actor, action access.Action, on access.Resource) access.Decision {
	return p.rules.Load().Decide(who, action, on)
}

// Groups implements access.Policy.
func (p *followedPolicy) Groups(who access.Actor) []string { return p.rules.Load().Groups(who) }
