package tsdb

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/tsdb"
)

// job is the label job of everything scraped.
const job = "linnet"

// Limits of one scrape.
const (
	maxPage    = "64MB"
	maxSamples = 50_000
)

// scraper owns Prometheus' scrape manager and the goroutine it runs in.
type scraper struct {
	manager *scrape.Manager
	done    chan struct{}
}

// groupsOf reads the targets into the form that the manager takes.
func groupsOf(targets []Target) ([]*targetgroup.Group, error) {
	var groups []*targetgroup.Group
	for i, t := range targets {
		u, err := url.Parse(t.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, invalid("metric store: target %d is not an http or https address", i+1)
		}
		if u.User != nil {
			return nil, invalid("metric store: target %d (%s) has a password in its address, which would show in labels", i+1, u.Host)
		}
		at := model.LabelSet{
			model.AddressLabel: model.LabelValue(u.Host),
			model.SchemeLabel:  model.LabelValue(u.Scheme),
		}
		if u.Path != "" {
			at[model.MetricsPathLabel] = model.LabelValue(u.Path)
		}
		for name, values := range u.Query() {
			at[model.LabelName(model.ParamLabelPrefix+name)] = model.LabelValue(values[0])
		}
		more := model.LabelSet{}
		for name, value := range t.Labels {
			if !model.LegacyValidation.IsValidLabelName(name) {
				return nil, invalid("metric store: target %d (%s): %q is no label name", i+1, u.Host, name)
			}
			more[model.LabelName(name)] = model.LabelValue(value)
		}
		groups = append(groups, &targetgroup.Group{Source: t.URL, Targets: []model.LabelSet{at}, Labels: more})
		if j := slices.IndexFunc(targets[:i], func(o Target) bool { return o.URL == t.URL && maps.Equal(o.Labels, t.Labels) }); j >= 0 {
			return nil, invalid("metric store: targets %d and %d are the same", j+1, i+1)
		}
	}
	return groups, nil
}

// scrapeInto starts scraping the groups into a store.
func scrapeInto(db *tsdb.DB, c Config, groups []*targetgroup.Group, registry prometheus.Registerer) (*scraper, error) {
	text, err := json.Marshal(map[string]any{ // JSON is YAML, and quotes for us
		"global": map[string]any{
			"scrape_interval":                  model.Duration(c.Interval).String(),
			"scrape_timeout":                   model.Duration(c.Interval).String(),
			"scrape_native_histograms":         true,
			"always_scrape_classic_histograms": true,
		},
		"scrape_configs": []map[string]any{{
			"job_name": job, "body_size_limit": maxPage, "sample_limit": maxSamples, "follow_redirects": false,
		}},
	})
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(string(text), c.Logger)
	if err != nil {
		return nil, err
	}
	manager, err := scrape.NewManager(&scrape.Options{
		DiscoveryReloadInterval:  model.Duration(minInterval),
		DiscoveryReloadOnStartup: true,
	}, c.Logger, nil, nil, db, registry)
	if err != nil {
		return nil, err
	}
	if err := manager.ApplyConfig(settings); err != nil {
		return nil, err
	}
	s := &scraper{manager: manager, done: make(chan struct{})}
	sets := make(chan map[string][]*targetgroup.Group, 1)
	sets <- map[string][]*targetgroup.Group{job: groups}
	go func() {
		defer close(s.done)
		_ = manager.Run(sets) // ends without error when it is stopped
	}()
	return s, nil
}

func (s *scraper) stop() {
	s.manager.Stop()
	<-s.done
}

// typeOf is what a target declares a family as; "" if none does.
func (s *scraper) typeOf(family string) string {
	for _, m := range s.metadata(family) {
		return string(m.Type)
	}
	return ""
}

// metadata is what the targets declare of a family, without doubles.
func (s *scraper) metadata(family string) []scrape.MetricMetadata {
	var all []scrape.MetricMetadata
	for _, targets := range s.manager.TargetsActive() {
		for _, t := range targets {
			m, ok := t.GetMetadata(family)
			if ok && !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// families lists everything that the targets declare.
func (s *scraper) families() []string {
	names := map[string]bool{}
	for _, targets := range s.manager.TargetsActive() {
		for _, t := range targets {
			for _, m := range t.ListMetadata() {
				names[m.MetricFamily] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
