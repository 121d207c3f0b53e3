package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Question asks whether somebody may do something, and why.
type Question struct {
	// Who it is about, as the audit names them; empty for whoever asks.
	Who string
	// Claims are groups that the identity provider has somebody else in. Those of
	// whoever asks are known.
	Claims []string
	Action access.Action
	On     access.Resource
}

// Explanation is the answer to a Question.
type Explanation struct {
	Who      string
	Action   access.Action
	Decision access.Decision
	// Groups are those of the policy that they are in.
	Groups []string
}

// ActionOf is the action of a word: its own name, or that of an order.
func ActionOf(word string) (access.Action, error) {
	if action, ok := actions[engine.Verb(word)]; ok {
		return action, nil
	}
	if slices.Contains(access.Actions(), access.Action(word)) {
		return access.Action(word), nil
	}
	return "", fmt.Errorf("nobody can %q: expected one of %s, or an order, %s: %w",
		word, access.List(access.Actions()), access.List(engine.Verbs()), release.ErrInvalid)
}

// Explain tells whether somebody may do something. Everybody may ask about
// themselves, as they came: with their token, if it is by one. About others only
// those may ask who manage what it is about.
func (d *Desk) Explain(ctx context.Context, who access.Actor, q Question) (Explanation, error) {
	about := who
	switch {
	case q.Who != "" && q.Who != who.Name:
		about = access.Actor{Name: spec.ActorName(q.Who), Kind: access.KindOf(q.Who), Groups: q.Claims}
		e := Entry{At: d.cfg.Now(), Who: who, What: "access.explain", Object: q.Who}
		if err := d.ask(ctx, access.Manage, q.On, e); err != nil {
			return Explanation{}, err
		}
	case len(q.Claims) > 0:
		return Explanation{}, fmt.Errorf("claim: your own groups are known; claims are for questions about others: %w", release.ErrInvalid)
	}
	in := slices.DeleteFunc(d.cfg.Policy.Groups(about), func(g string) bool { return g == access.Anybody })
	return Explanation{Who: about.Name, Action: q.Action, Decision: d.cfg.Policy.Decide(about, q.Action, q.On), Groups: in}, nil
}
