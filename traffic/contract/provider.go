package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
	"github.com/linnet-project/linnet/traffic/split"
)

// MaxAnswer bounds an answer, in bytes. Whoever carries one reads no more.
const MaxAnswer = 64 << 10

// Answer is what came back from the other side.
type Answer struct {
	// Text is all that it said; the JSON, where it keeps to the contract.
	Text []byte
	// Failed is nil where it says that it did what it was asked. Otherwise it
	// wraps what its exit code or status means, which counts where Text does not
	// tell a failure of its own.
	Failed error
	// Hide are secrets, which no error may repeat.
	Hide []string
}

// Call carries one request there and the answer back. Its error is for what got
// in between; it has one of the meanings of release, and no secret.
type Call func(ctx context.Context, operation string, request []byte) (Answer, error)

// Config says what is asked of whom.
type Config struct {
	// Name is how errors call the other side.
	Name  string
	Rules split.Rules
	Call  Call
}

// New makes a router of a Call. It can renew and tell readiness where the
// abilities of its rules say so. What it is asked for and cannot do, and weights
// that do not add up, it refuses itself: the other side is not asked.
func New(cfg Config) split.Router {
	return split.Only(&provider{cfg}, cfg.Rules.Abilities)
}

type provider struct{ cfg Config }

// Apply implements split.Router.
func (p *provider) Apply(ctx context.Context, route release.Route) error {
	if _, err := p.cfg.Rules.Weights(route); err != nil {
		return fmt.Errorf("%s: %w", p.cfg.Name, err)
	}
	form, needs := toForm(route)
	return p.order(ctx, requestForm{Operation: apply, Route: form, Needs: needs})
}

// Observed implements split.Router.
func (p *provider) Observed(ctx context.Context) (release.Seen, error) {
	text, err := p.ask(ctx, requestForm{Operation: observe})
	if err != nil {
		return release.Seen{}, err
	}
	out, err := seen(text.Text, p.cfg.Rules.Service, p.cfg.Rules.Arms)
	if err != nil {
		return release.Seen{}, p.nonsense(observe, text, err)
	}
	return out, nil
}

// Renew lets a lease run on.
func (p *provider) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	return p.order(ctx, requestForm{Operation: renew, Owner: owner, Epoch: epoch, Lease: secondsOf(lease)})
}

// Ready tells whether an arm could take traffic. Whatever stands against it, the
// error is release.ErrUnavailable: it may be gone the next time.
func (p *provider) Ready(ctx context.Context, arm string) error {
	if !slices.Contains(p.cfg.Rules.Arms, arm) {
		return fmt.Errorf("%s: no arm %.100q, known are %s: %w", p.cfg.Name, arm, strings.Join(p.cfg.Rules.Arms, ", "), release.ErrUnavailable)
	}
	err := p.order(ctx, requestForm{Operation: ready, Arm: arm})
	if err != nil && !errors.Is(err, release.ErrUnavailable) {
		return fmt.Errorf("%v: %w", err, release.ErrUnavailable)
	}
	return err
}

// order asks for something to be done.
func (p *provider) order(ctx context.Context, r requestForm) error {
	answer, err := p.ask(ctx, r)
	if err != nil {
		return err
	}
	if err := done(answer.Text); err != nil {
		return p.nonsense(r.Operation, answer, err)
	}
	return nil
}

// ask returns the answer of a side that did what it was asked.
func (p *provider) ask(ctx context.Context, r requestForm) (Answer, error) {
	where := p.cfg.Name + ": " + r.Operation
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("%s: not asked: %w: %w", where, release.ErrUnavailable, err)
	}
	r.Version, r.Service, r.Arms = version, p.cfg.Rules.Service, p.cfg.Rules.Arms
	text, err := json.Marshal(r)
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %v: %w", where, err, release.ErrInvalid)
	}
	answer, err := p.cfg.Call(ctx, r.Operation, text)
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", where, err)
	}
	said, meaning, failed := failure(answer.Text)
	if said = clip(secret.Hidden(said, answer.Hide), maxSaid); said != "" {
		where += ": " + said
	}
	switch {
	case meaning != nil:
		return Answer{}, fmt.Errorf("%s: %w", where, meaning)
	case answer.Failed != nil:
		return Answer{}, fmt.Errorf("%s: %w", where, answer.Failed)
	case failed: // and says in the same breath that all is well
		return Answer{}, fmt.Errorf("%s: %w", where, release.ErrUnavailable)
	}
	return answer, nil
}

// nonsense says that an answer is not one of the contract, and what is wrong with
// it, which may repeat a piece of it: not where a secret is in there.
func (p *provider) nonsense(operation string, answer Answer, why error) error {
	what := clip(why.Error(), maxSaid)
	if text := string(answer.Text); secret.Hidden(text, answer.Hide) != text {
		what = "it holds a secret, and is not shown"
	}
	return fmt.Errorf("%s: %s: the answer is not one of the contract (docs/own-provider.md): %s: %w",
		p.cfg.Name, operation, what, release.ErrInvalid)
}
