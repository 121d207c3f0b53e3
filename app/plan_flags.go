package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// planFlags are what `linnet plan` is told on the command line.
type planFlags struct {
	file, picture string
	fromSource    bool
	rate          []string
	base          []string
	noise         []string
	memory        []string
	errors, users string
	instances     int
	seed          uint64
	paths         int
	// players bounds how many processors play; 0 for all.
	players int
}

func (q *planFlags) bind(f *pflag.FlagSet) {
	f.StringVarP(&q.file, "file", "f", "", "release file")
	f.BoolVar(&q.fromSource, "from-source", false, "read traffic and levels from the release file's source: the last hour")
	f.StringArrayVar(&q.rate, "rate", nil, "requests of the service, such as 100/s; or of one metric, errors=20/s")
	f.StringVar(&q.errors, "errors", "", "share of bad events in every ratio of which more is worse, such as 0.5%")
	f.StringArrayVar(&q.base, "base", nil, "a metric's ordinary level: logins=99.5%, restarts=2/h, cpu=0.4, latency=60ms/400ms (median/p99)")
	f.StringArrayVar(&q.noise, "noise", nil, "what an arm's requests share in a look, or by how much an instance's gauge varies, such as cpu=10%")
	f.StringArrayVar(&q.memory, "autocorrelation", nil, "how much a gauge's look remembers of the last, such as cpu=0.5")
	f.IntVar(&q.instances, "instances", 0, "how many instances an arm has, for gauges")
	f.StringVar(&q.users, "users", "", "new users of the service, such as 5/s, to tell how many meet the candidate")
	f.StringVar(&q.picture, "picture", "", "write a picture (SVG) to this file")
	f.Uint64Var(&q.seed, "seed", 1, "the chance that is played with; the same seed tells the same")
	f.IntVar(&q.paths, "paths", 400, "how often a question is played at most")
}

// apply puts what the flags say over what is known.
func (q *planFlags) apply(pl plan.Plan, s *forecast.Service) error {
	var errs []error
	note := func(flag, text string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: %w: %w", flag, text, err, release.ErrInvalid))
		}
	}
	for _, text := range q.rate {
		note("rate", text, q.setRate(pl, s, text))
	}
	if q.errors != "" {
		note("errors", q.errors, setErrors(pl, s, q.errors))
	}
	if q.users != "" {
		x, err := perSecond(q.users)
		s.Users = x
		note("users", q.users, err)
	}
	for _, text := range q.base {
		note("base", text, each(pl, s, text, setBase))
	}
	for _, text := range q.noise {
		note("noise", text, each(pl, s, text, func(_ release.Metric, p *forecast.Profile, value string) (err error) {
			p.Noise, err = shareOf(value)
			return err
		}))
	}
	for _, text := range q.memory {
		note("autocorrelation", text, each(pl, s, text, func(m release.Metric, p *forecast.Profile, value string) (err error) {
			if m.Kind != release.Gauge {
				return errors.New("is for gauges")
			}
			p.Memory, err = strconv.ParseFloat(value, 64)
			return err
		}))
	}
	if q.instances < 0 || q.paths < 1 || q.paths > 100_000 {
		errs = append(errs, fmt.Errorf("--instances must be 1 or more, --paths 1 to 100000: %w", release.ErrInvalid))
	}
	for i := range s.Metrics {
		if q.instances > 0 {
			s.Metrics[i].Instances = q.instances
		}
	}
	return errors.Join(errs...)
}

// setRate takes 100/s for the service, or errors=20/s for one metric. The
// service's scales what was read of the metrics.
func (q *planFlags) setRate(pl plan.Plan, s *forecast.Service, text string) error {
	if strings.Contains(text, "=") {
		return each(pl, s, text, func(_ release.Metric, p *forecast.Profile, value string) (err error) {
			p.Rate, err = perSecond(value)
			return err
		})
	}
	x, err := perSecond(text)
	if err != nil {
		return err
	}
	for i := range s.Metrics {
		if s.Rate > 0 {
			s.Metrics[i].Rate *= x / s.Rate
		}
	}
	s.Rate = x
	return nil
}

// setErrors takes the share of bad events of all ratios of which more is worse.
func setErrors(pl plan.Plan, s *forecast.Service, text string) error {
	x, err := shareOf(text)
	if err != nil {
		return err
	}
	found := false
	for i, m := range pl.Metrics {
		if m.Kind == release.Ratio && m.Worse == release.Higher {
			s.Metrics[i].Level, s.Metrics[i].Origin, found = x, forecast.Given, true
		}
	}
	if !found {
		return errors.New("the release file has no ratio of which more is worse")
	}
	return nil
}

// each gives metric=value to the metric named.
func each(pl plan.Plan, s *forecast.Service, text string, set func(release.Metric, *forecast.Profile, string) error) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("expected metric=value")
	}
	i := slices.IndexFunc(pl.Metrics, func(m release.Metric) bool { return m.Name == name })
	if i < 0 {
		var names []string
		for _, m := range pl.Metrics {
			names = append(names, m.Name)
		}
		return fmt.Errorf("the release file has no metric %s; it has %s", name, strings.Join(names, ", "))
	}
	return set(pl.Metrics[i], &s.Metrics[i], value)
}

// setBase takes a metric's ordinary level.
func setBase(m release.Metric, p *forecast.Profile, value string) (err error) {
	p.Origin = forecast.Given
	switch m.Kind {
	case release.Ratio:
		p.Level, err = shareOf(value)
	case release.Count:
		p.Level, err = perSecond(value)
	case release.Histogram:
		median, p99, ok := strings.Cut(value, "/")
		if !ok {
			return errors.New("expected a median and a p99, such as latency=60ms/400ms")
		}
		a, err := quantityOf(median)
		b, err2 := quantityOf(p99)
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		if !(a > 0 && b > a) {
			return errors.New("expected a median above 0 and a larger p99")
		}
		p.Shape = forecast.Lognormal(a, b)
	case release.Gauge:
		p.Level, err = quantityOf(value)
	}
	return err
}

// perSecond reads 100/s, 50/m or 10/h.
func perSecond(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	length, ok := map[string]float64{"s": 1, "m": 60, "h": 3600}[unit]
	x, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(x > 0) {
		return 0, errors.New("expected a rate above 0, such as 100/s, 50/m or 10/h")
	}
	return x / length, nil
}

// shareOf reads 0.5%.
func shareOf(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(number+"e-2", 64)
	if !ok || err != nil || !(x >= 0) {
		return 0, errors.New("expected a percentage, such as 0.5%")
	}
	return x, nil
}

// quantityOf reads a plain number, or a duration as seconds.
func quantityOf(text string) (float64, error) {
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return x, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("expected a number, or a duration such as 60ms")
	}
	return d.Seconds(), nil
}
