package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// Config says which Deployments of the client's namespace share the traffic of a
// service.
type Config struct {
	Client  *kube.Client
	Service string
	// Arms are the names of baseline and candidate.
	Arms []string
	// Baseline and Candidate are the Deployments' names. The pods of both, and
	// no others, belong to one Service.
	Baseline, Candidate string
	// Replicas is how many pods both have together; weights are multiples of one
	// pod's share. It divides 100,000.
	Replicas int
	// Surge is how many pods more there may be while the candidate is raised
	// (default: a quarter of Replicas, at least one).
	Surge int
}

// Router splits the traffic of one service. It is safe for concurrent use.
type Router struct {
	cfg                 Config
	rules               split.Rules
	baseline, candidate *kube.Reader
	autoscalers         *kube.Object
}

func deployments() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
}

func autoscalers() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}
}

// Grain is the share of one pod of so many, 0 where it is no whole number of
// 100,000ths.
func Grain(replicas int) release.Weight {
	if replicas < 1 || int(release.Whole)%replicas != 0 {
		return 0
	}
	return release.Whole / release.Weight(replicas)
}

// New makes a Router; it does not call the cluster yet.
func New(cfg Config) (*Router, error) {
	grain := Grain(cfg.Replicas)
	switch {
	case len(cfg.Arms) != 2:
		return nil, fmt.Errorf("replicas split between two arms, got %d: %w", len(cfg.Arms), release.ErrInvalid)
	case grain == 0:
		return nil, fmt.Errorf("%d replicas cannot split 100%% evenly; take 10, 20, 25, 50 or 100, say: %w", cfg.Replicas, release.ErrInvalid)
	case cfg.Baseline == cfg.Candidate:
		return nil, fmt.Errorf("baseline and candidate are the same Deployment %q: %w", cfg.Baseline, release.ErrInvalid)
	case cfg.Surge < 0:
		return nil, fmt.Errorf("surge %d must not be negative: %w", cfg.Surge, release.ErrInvalid)
	case cfg.Surge == 0:
		cfg.Surge = (cfg.Replicas + 3) / 4
	}
	return &Router{
		cfg:         cfg,
		rules:       split.Rules{Service: cfg.Service, Arms: cfg.Arms, Grain: grain},
		baseline:    cfg.Client.Object(deployments(), "", cfg.Baseline).Reader(),
		candidate:   cfg.Client.Object(deployments(), "", cfg.Candidate).Reader(),
		autoscalers: cfg.Client.Object(autoscalers(), "", ""),
	}, nil
}

// Rights are the least that a router of these Deployments needs in their
// namespace.
func Rights(baseline, candidate string) []kube.Rule {
	return []kube.Rule{
		kube.ReadWrite("apps", "deployments", baseline, candidate),
		{Group: "autoscaling", Resource: "horizontalpodautoscalers", Verbs: []string{"list"}},
	}
}

// Close ends the watches.
func (r *Router) Close() {
	r.baseline.Close()
	r.candidate.Close()
}

// both reads the two Deployments. A candidate that is not there beside a baseline
// which a release has moved is gone.
func (r *Router) both(ctx context.Context) (baseline, candidate deployment, err error) {
	if baseline, err = read(ctx, r.baseline); err != nil {
		return deployment{}, deployment{}, err
	}
	candidate, err = read(ctx, r.candidate)
	if errors.Is(err, release.ErrNotFound) && baseline.stamp != (split.Stamp{}) {
		return baseline, gone(r.cfg.Candidate, baseline), nil
	}
	return baseline, candidate, err
}

// Observed reads back the replicas that are there. Where somebody has scaled a
// Deployment past us, that counts at once; otherwise the pods must be there and
// ready, and while they are not it is release.ErrUnavailable: pods that come and
// go are no change of the weight.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	b, c, err := r.both(ctx)
	if err != nil {
		return release.Seen{}, err
	}
	if b.stamp == (split.Stamp{}) && c.stamp == (split.Stamp{}) {
		// Nobody's yet: what could never be served is told before a release begins.
		if err := r.mayBegin(ctx, b, c, false); err != nil {
			return release.Seen{}, err
		}
	}
	// A candidate that was made anew beside a baseline of ours is nobody's order, and
	// neither is one that is back after the baseline got all without it.
	anew := b.stamp != (split.Stamp{}) && c.stamp == (split.Stamp{})
	if b.asOrdered() && c.asOrdered() && !anew {
		if b.stamp != c.stamp && !b.alone && c.replicas > 0 {
			return release.Seen{}, fmt.Errorf("%s and %s: a move from one to the other is under way: %w", b, c, release.ErrUnavailable)
		}
		if waits := settled(b, c); waits != "" {
			return release.Seen{}, fmt.Errorf("%s: %w", waits, release.ErrUnavailable)
		}
	}
	shares, served := split.Shares([]int64{b.replicas, c.replicas})
	if !served {
		return release.Seen{}, fmt.Errorf("%s and %s both have no replicas, so that nobody is served: %w", b, c, release.ErrUnavailable)
	}
	oldest := b.stamp
	if c.stamp.Epoch < oldest.Epoch {
		oldest = c.stamp
	}
	path := kube.Path{"spec", "replicas"}
	writers := kube.Writers(b.object, path)
	if !c.lost() {
		writers = append(writers, kube.Writers(c.object, path)...)
	}
	slices.Sort(writers)
	return release.Seen{
		Route:   release.Route{Service: r.cfg.Service, Weights: split.Of(r.cfg.Arms, shares), Owner: oldest.Owner, Epoch: oldest.Epoch},
		Writers: slices.Compact(writers),
	}, nil
}

// Ready tells whether all pods that an arm should have are ready.
func (r *Router) Ready(ctx context.Context, arm string) error {
	reader := r.baseline
	switch arm {
	case r.cfg.Arms[0]:
	case r.cfg.Arms[1]:
		reader = r.candidate
	default:
		return fmt.Errorf("kubernetes: arm %.100q is not known: %w", arm, release.ErrInvalid)
	}
	d, err := read(ctx, reader)
	if err != nil {
		return fmt.Errorf("kubernetes: %w", err)
	}
	if waits := d.waits(); waits != "" {
		return fmt.Errorf("kubernetes: %s: %w", waits, release.ErrUnavailable)
	}
	return nil
}
