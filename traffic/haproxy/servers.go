package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// byServers is the way of weights of servers.
type byServers struct {
	cfg    Config
	socket socket
}

// exactAlgorithm is the one whose shares of requests are the weights. Others
// weigh by load as well, by the user, or not at all.
const exactAlgorithm = "roundrobin"

// read reads the servers of each arm. What would make the weights untrue is
// refused, but not on the way to the whole for the first arm: what somebody did to
// the backend in the middle of a release keeps no candidate from going back to
// nothing.
func (b byServers) read(ctx context.Context, down bool) ([][]server, error) {
	all, algorithm, err := b.socket.backend(ctx, b.cfg.Backend)
	if err != nil {
		return nil, err
	}
	wrong := func(meaning error, format string, args ...any) error {
		return fmt.Errorf("haproxy at %s: backend %q: %s: %w", b.cfg.Socket, b.cfg.Backend, fmt.Sprintf(format, args...), meaning)
	}
	if algorithm != "" && algorithm != exactAlgorithm && !down {
		return nil, wrong(release.ErrInvalid, "balances by %s, whose shares are not the weights; write `balance roundrobin`, or let a map choose between two backends", algorithm)
	}
	arms := make([][]server, len(b.cfg.Arms))
	for i, arm := range b.cfg.Arms {
		for _, name := range arm.Servers {
			at := slices.IndexFunc(all, func(s server) bool { return s.name == name })
			switch {
			case at < 0 && down:
				continue
			case at < 0:
				return nil, wrong(release.ErrNotFound, "there is no server %q, which is one of arm %q", name, arm.Name)
			case all[at].backup && !down:
				return nil, wrong(release.ErrInvalid, "server %q of arm %q is a backup, which takes traffic only where no other can", name, arm.Name)
			}
			arms[i] = append(arms[i], all[at])
			all = slices.Delete(all, at, at+1)
		}
	}
	for _, s := range all {
		if !s.out && !s.backup && s.weight > 0 && !down {
			return nil, wrong(release.ErrInvalid, "server %q is in no arm and takes traffic; name it, or set its weight to 0", s.name)
		}
	}
	return arms, nil
}

// shares are the weights of the arms as they are served.
func (b byServers) shares(arms [][]server) ([]release.Weight, error) {
	sums := make([]int64, len(arms))
	for i, servers := range arms {
		for _, s := range servers {
			if !s.out {
				sums[i] += s.weight
			}
		}
	}
	shares, ok := split.Shares(sums)
	if !ok {
		return nil, fmt.Errorf("haproxy at %s: backend %q: no server has a weight: %w", b.cfg.Socket, b.cfg.Backend, release.ErrUnavailable)
	}
	return shares, nil
}

func (b byServers) observed(ctx context.Context) (release.Route, error) {
	arms, err := b.read(ctx, false)
	if err != nil {
		return release.Route{}, err
	}
	shares, err := b.shares(arms)
	return release.Route{Weights: split.Of(b.cfg.names(), shares)}, err
}

// apply sets the weights of servers that differ, and reads back.
func (b byServers) apply(ctx context.Context, _ release.Route, weights []release.Weight) error {
	down := weights[0] == release.Whole
	arms, err := b.read(ctx, down)
	if err != nil {
		return err
	}
	wanted, err := b.wanted(arms, weights)
	if err != nil {
		return err
	}
	for _, step := range b.steps(arms, wanted) {
		if err := b.socket.tell(ctx, step...); err != nil {
			return err
		}
	}
	if arms, err = b.read(ctx, down); err != nil {
		return err
	}
	shares, err := b.shares(arms)
	if err != nil || slices.Equal(shares, weights) {
		return err
	}
	return fmt.Errorf("haproxy at %s: backend %q: %s was set and %s is served; somebody else sets weights: %w",
		b.cfg.Socket, b.cfg.Backend, b.shown(weights), b.shown(shares), release.ErrConflict)
}

// shown writes the arms' weights for people.
func (b byServers) shown(weights []release.Weight) string {
	var each []string
	for i, w := range weights {
		each = append(each, split.Percent(w)+" "+b.cfg.Arms[i].Name)
	}
	return strings.Join(each, ", ")
}

// wanted gives every server its weight: the units of its arm spread evenly over
// those in service, so that the sums have exactly the ratio of the weights. One
// out of service gets 0, so that its return changes no share.
func (b byServers) wanted(arms [][]server, weights []release.Weight) ([][]int64, error) {
	for _, grain := range grains {
		out, ok := make([][]int64, len(arms)), true
		for i, servers := range arms {
			in := 0
			for _, s := range servers {
				if !s.out {
					in++
				}
			}
			if in == 0 && weights[i] > 0 {
				return nil, fmt.Errorf("haproxy at %s: backend %q: every server of arm %q is drained or in maintenance: %w",
					b.cfg.Socket, b.cfg.Backend, b.cfg.Arms[i].Name, release.ErrUnavailable)
			}
			ok = ok && fits(weights[i], grain, in)
			out[i] = spread(int(weights[i]/grain), in, servers)
		}
		if ok {
			return out, nil
		}
	}
	return nil, fmt.Errorf("haproxy at %s: backend %q: too few servers are in service for these weights; they need %s: %w",
		b.cfg.Socket, b.cfg.Backend, split.Percent(b.cfg.grain()), release.ErrUnavailable)
}

// spread shares units evenly over the servers in service.
func spread(units, in int, servers []server) []int64 {
	out := make([]int64, len(servers))
	for i, s := range servers {
		if s.out {
			continue
		}
		out[i] = int64((units + in - 1) / in) // the first take what is left over
		units -= int(out[i])
		in--
	}
	return out
}

// mostLine bounds the commands that are sent at once, well below what HAProxy
// takes in a line.
const mostLine = 50

// steps are the commands that lead to the weights wanted, in an order in which
// no arm after the first ever has more than before and after: the first arm's
// raises, then the other arms, then what the first arm gives up.
func (b byServers) steps(arms [][]server, wanted [][]int64) (steps [][]string) {
	var raise, others, lower []string
	for i, servers := range arms {
		for j, s := range servers {
			command := "set weight " + b.cfg.Backend + "/" + s.name + " " + strconv.FormatInt(wanted[i][j], 10)
			switch {
			case s.weight == wanted[i][j]:
			case i > 0:
				others = append(others, command)
			case s.weight < wanted[i][j]:
				raise = append(raise, command)
			default:
				lower = append(lower, command)
			}
		}
	}
	return slices.Collect(slices.Chunk(slices.Concat(raise, others, lower), mostLine))
}

// ready says whether one server of the arm at least could take traffic.
func (b byServers) ready(ctx context.Context, arm int) error {
	arms, err := b.read(ctx, false)
	if err != nil {
		return err
	}
	return b.cfg.readiness(arms[arm])
}

// readiness is nil where one of the servers is in service and its check has
// passed; else it says of each why not.
func (c Config) readiness(servers []server) error {
	var why []string
	for _, s := range servers {
		switch {
		case s.backup:
		case s.out:
			why = append(why, s.name+" is drained or in maintenance")
		case !s.up:
			why = append(why, s.name+" is down")
		case s.unchecked:
			why = append(why, s.name+" has no health check (write `check` in its line), so nobody can tell")
		case !s.checked:
			why = append(why, s.name+" has not been checked yet")
		default:
			return nil
		}
	}
	if len(why) == 0 {
		why = []string{"it has no server"}
	}
	return fmt.Errorf("haproxy at %s: not ready: %.500s: %w", c.Socket, strings.Join(why, "; "), release.ErrUnavailable)
}
