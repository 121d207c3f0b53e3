package spec

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// rules checks what must hold between the keys of a file. It passes over
// values that could not be read, so that one slip is one error.
func rules(c *checker, f *File) {
	arms(c, f)
	stepsRise(c, f)
	trafficRules(c, f)
	eachProxy(c, f)
	folderRule(c, f)
	ownRules(c, f)
	edgeRules(c, f)
	targetRules(c, f)
	sourceRules(c, f)
	pace(c, f)
	metricRules(c, f)
	shareRules(c, f)
	budgetRules(c, f)
}

// arms refuses labels that cannot tell the arms apart: a selector made of one
// arm's labels would match the other's series as well.
func arms(c *checker, f *File) {
	b, d := f.Baseline.Labels, f.Candidate.Labels
	const base, cand = "spec.baseline.labels", "spec.candidate.labels"
	const hint = "give both arms the same label with different values, such as version: stable and version: canary"
	if len(b) == 0 || len(d) == 0 || !c.fine(base, cand) {
		return
	}
	switch inB, inD := subset(b, d), subset(d, b); {
	case inB && inD:
		c.fail(cand, "are the baseline's labels too, so that nothing tells the arms apart", hint)
	case inB:
		c.fail(base, "are all among the candidate's, so that they select the candidate's series as well", hint)
	case inD:
		c.fail(cand, "are all among the baseline's, so that they select the baseline's series as well", hint)
	}
}

func subset(small, large map[string]string) bool {
	for k, v := range small {
		if w, ok := large[k]; !ok || v != w {
			return false
		}
	}
	return true
}

func stepsRise(c *checker, f *File) {
	last := release.Weight(0)
	for i, s := range f.Steps {
		path := "spec.steps[" + strconv.Itoa(i) + "]"
		weight, least, most := path+".weight", path+".atLeast", path+".atMost"
		if c.fine(weight) && s.Weight != 0 {
			if s.Weight <= last {
				c.fail(weight, fmt.Sprintf("%s is not more than the %s of the step before", formatWeight(s.Weight), formatWeight(last)), "let the weights rise from step to step")
			}
			last = s.Weight
		}
		if !c.fine(least, most) || s.AtMost == 0 {
			continue
		}
		if s.AtLeast > s.AtMost {
			c.fail(least, fmt.Sprintf("%s is more than atMost, which is %s", formatDuration(s.AtLeast), formatDuration(s.AtMost)), "let atLeast be at most atMost")
		}
		if a := f.Analysis; c.fine("spec.analysis.every", "spec.analysis.delay") && s.AtMost < a.Every+a.Delay {
			c.fail(most, fmt.Sprintf("%s is over before the first look, which comes after %s (every and delay)", formatDuration(s.AtMost), formatDuration(a.Every+a.Delay)), "let atMost be longer")
		}
	}
}

func eachProxy(c *checker, f *File) {
	if f.Traffic.Proxy != nil {
		proxyRules(c, f, f.Traffic.Proxy, "spec.traffic.proxy")
	}
	for i, part := range f.Traffic.Several {
		if part.Proxy != nil {
			if part.Proxy.Listen != "" {
				c.fail("spec.traffic.several["+strconv.Itoa(i)+"].proxy.listen", "is a splitter inside run, which stands alone", "run a `linnet proxy` and name it with admin")
			}
			proxyRules(c, f, part.Proxy, "spec.traffic.several["+strconv.Itoa(i)+"].proxy")
		}
	}
}

// folderRule refuses a service whose splitter or store would lie elsewhere than in
// the data folder: files there are called after the service.
func folderRule(c *checker, f *File) {
	inside := f.Traffic.Proxy != nil && f.Traffic.Proxy.Listen != "" || f.Analysis.Source.Embedded != nil
	if inside && strings.ContainsAny(f.Service, `/\`) && c.fine("spec.service") {
		c.fail("spec.service", "has a slash, and files of its splitter and store are called after it", "take it out")
	}
}

func proxyRules(c *checker, f *File, p *Proxy, path string) {
	there := func(key string) bool { _, ok := c.where[join(path, key)]; return ok }
	if there("listen") && !there("upstreams") {
		c.fail(path+".upstreams", "is missing", "write where the arms are: { baseline: http://…, candidate: http://… }")
	}
	if there("admin") && !there("listen") {
		for _, key := range []string{"upstreams", "sticky", "testers", "health"} {
			if there(key) {
				c.fail(join(path, key), "belongs to a proxy inside run, and admin names one elsewhere", "set it there, and take it out here")
			}
		}
	}
	if there("tokenFile") && !there("admin") {
		c.fail(path+".tokenFile", "belongs to admin, which is not there", "take it out")
	}
	if u := p.Upstreams; u["baseline"] != "" && u["baseline"] == u["candidate"] {
		c.fail(path+".upstreams.candidate", "is the baseline's URL too", "give each arm its own")
	}
	renewable(c, f, p.Lease, path+".lease")
}

// pace checks the times of the analysis against each other.
func pace(c *checker, f *File) {
	a := f.Analysis
	const every, blind = "spec.analysis.every", "spec.analysis.blindFor"
	if c.fine(every, blind) && a.BlindFor < a.Every {
		c.fail(blind, fmt.Sprintf("%s is shorter than every, %s", formatDuration(a.BlindFor), formatDuration(a.Every)), "let it last several looks")
	}
}

func metricRules(c *checker, f *File) {
	const path = "spec.analysis.metrics"
	first := map[string]int{}
	guardrails := 0
	for i, m := range f.Analysis.Metrics {
		at := path + "[" + strconv.Itoa(i) + "]"
		if j, ok := first[m.Name]; ok && m.Name != "" {
			c.fail(at+".name", fmt.Sprintf("%s is the name of metrics[%d] too", clip(m.Name), j), "give each metric its own")
		} else {
			first[m.Name] = i
		}
		if m.Severity == release.Guardrail || !c.fine(at+".severity") {
			guardrails++
		}
		segments(c, f, at+".by", m.By)
		margins(c, at, m)
	}
	if len(f.Analysis.Metrics) > 0 && guardrails == 0 {
		c.fail(path, "has no guardrail, so that nothing would ever roll back", "let at least one metric have severity: guardrail")
	}
}

// maxBy bounds the labels of a segment: their values multiply.
const maxBy = 5

func segments(c *checker, f *File, path string, by []string) {
	if len(by) > maxBy {
		c.fail(path, fmt.Sprintf("has %d labels", len(by)), fmt.Sprintf("write at most %d: their values multiply", maxBy))
	}
	seen := map[string]bool{}
	for i, label := range by {
		at := path + "[" + strconv.Itoa(i) + "]"
		_, base := f.Baseline.Labels[label]
		_, cand := f.Candidate.Labels[label]
		switch {
		case label == "":
		case seen[label]:
			c.fail(at, clip(label)+" is there already", "take it out")
		case base || cand:
			c.fail(at, clip(label)+" tells the arms apart, so that no segment would have both", "take it out")
		}
		seen[label] = true
	}
}

// margins checks that the harm a pass rules out is more than the harm that is
// still fine: otherwise a release could pass and fail at once.
func margins(c *checker, at string, m release.Metric) {
	tolerance, exclude := at+".tolerance", at+".exclude"
	if m.LimitOnly || m.Method == release.Deviation || !c.fine(tolerance, exclude) {
		return
	}
	least := m.Exclude
	if least == 0 {
		least = defaultExclude
	}
	if 1+m.Tolerance < least {
		return
	}
	c.fail(tolerance, fmt.Sprintf("%s reaches the harm of %s that a pass rules out", formatPercent(m.Tolerance), formatFactor(least)), "lower it, or raise exclude")
}

// defaultExclude is the smallest exclude that holds where a file names none.
const defaultExclude = 2

// derive fills in the defaults that depend on keys elsewhere in the file.
func derive(f *File) {
	f.Baseline.Name, f.Candidate.Name = release.Baseline, release.Candidate
	every := f.Analysis.Every
	for _, part := range f.Traffic.Parts() {
		if p := part.Proxy; p != nil {
			p.Service = cmp.Or(p.Service, f.Service)
			p.Lease = cmp.Or(p.Lease, max(4*every, time.Minute))
		}
	}
	if e := f.Analysis.Source.Embedded; e != nil && e.Interval == 0 {
		e.Interval = min(every, 15*time.Second)
	}
	deriveShare(f)
}
