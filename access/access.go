// Package access says who may do what, and why: people and programs, the roles
// that a policy gives them by team, service and environment, and the answer to
// one question. What no rule allows is denied.
//
// The package is pure: it reads no file and keeps nothing.
package access

import (
	"fmt"
	"slices"
	"strings"
)

// Actor is who asks for something, as they proved it.
type Actor struct {
	// Name is unique among all actors: an address of a person
	// (anna@example.com), a service account (service:ci), a key or folder that
	// acts for Linnet itself (hook:registry, folder:/srv/releases), or the user
	// of the machine where no login is configured (local:root).
	Name string
	Kind Kind
	// Groups are the groups that the identity provider, or the policy, puts the
	// actor in.
	Groups []string
	// From is where the request came from: an address, "command line" or the like.
	From string
	// Scopes narrow what a token may do besides what its owner may; nil for no
	// narrowing. Services and Teams narrow what it may do it to, likewise.
	Scopes          []Action
	Services, Teams []string
}

// Beyond tells why what is asked for goes beyond what the actor's token was made
// for; empty where it does not, or they came without a token. Every policy asks
// it first: a token never does more than its owner may, and may do less.
func (a Actor) Beyond(action Action, r Resource) string {
	switch {
	case a.Scopes != nil && !slices.Contains(a.Scopes, action):
		return fmt.Sprintf("the token is for %s alone, not for %s", List(a.Scopes), action)
	case a.Services != nil && !slices.Contains(a.Services, r.Service):
		return fmt.Sprintf("the token is for the services %s alone", List(a.Services))
	case a.Teams != nil && !slices.Contains(a.Teams, r.Team):
		return fmt.Sprintf("the token is for the teams %s alone", List(a.Teams))
	}
	return ""
}

// List writes words of one kind one after the other.
func List[T ~string](of []T) string {
	words := make([]string, len(of))
	for i, w := range of {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// Actions lists them.
func Actions() []Action {
	return []Action{View, Create, Pause, Advance, Abort, Approve, Annotate, Break, Confirm, Audit, Tokens, Manage}
}

// Kind is what sort of actor it is.
type Kind string

// The kinds of actors.
const (
	Person  Kind = "person"
	Service Kind = "service" // a service account: a pipeline, a script
	Machine Kind = "machine" // Linnet itself, for a folder or a hook
)

// KindOf tells the kind of an actor by the name: what stands before a colon.
func KindOf(name string) Kind {
	switch prefix, _, _ := strings.Cut(name, ":"); prefix {
	case "service":
		return Service
	case "folder", "hook":
		return Machine
	}
	return Person
}

// Action is something that can be asked for.
type Action string

// The actions.
const (
	View    Action = "view"    // releases, their evidence, services
	Create  Action = "create"  // begin a release or the next attempt
	Pause   Action = "pause"   // and resume
	Advance Action = "advance" // in place of evidence
	Abort   Action = "abort"
	Approve Action = "approve" // say no, and take it back
	// Annotate is to put marks on charts, and to say whether Linnet was right.
	Annotate Action = "annotate"
	// Break is to ask for the glass to be broken, past guard rails, freezes and
	// quorums, with a reason; Confirm is to be the second person, without whom
	// nothing comes of it.
	Break   Action = "break-glass"
	Confirm Action = "confirm-glass"
	Audit   Action = "audit"  // read and export the audit
	Tokens  Action = "tokens" // make and revoke tokens of others
	Manage  Action = "manage" // settings, retention, notices of everybody
)

// Resource is what an action is about. Empty fields are not known, or do not
// apply; a rule that asks for one does not match then.
type Resource struct {
	Service     string
	Team        string
	Environment string
	// Release is a release's name, for messages.
	Release string
	// Author is who began the release; never alone the one who approves it.
	Author string
	// Group is whom an approval is asked of, where it is known; only those in it
	// may approve then.
	Group string
}

// Decision is an answer, with its reason in a sentence that a user
// understands: which rule of which file allows it, or what would be needed.
type Decision struct {
	Allowed bool
	Why     string
}

// Policy decides.
type Policy interface {
	Decide(Actor, Action, Resource) Decision
	// Groups are those of the policy that somebody is in, by name; they go into
	// the record with what the person orders. Anybody stands for all.
	Groups(Actor) []string
}

// Anybody is the group of those who are not looked up anywhere (engine.Anybody).
// No policy can have a group of this name.
const Anybody = "*"

// Everybody is the policy where none is configured: whoever is let in may do
// everything. Without a login those are who reaches the loopback address of this
// machine.
type Everybody struct{}

// Decide implements Policy.
func (Everybody) Decide(who Actor, action Action, on Resource) Decision {
	if why := who.Beyond(action, on); why != "" {
		return Decision{Why: why}
	}
	return Decision{Allowed: true, Why: "no policy is configured: whoever is let in may do everything"}
}

// Groups implements Policy.
func (Everybody) Groups(Actor) []string { return []string{Anybody} }
