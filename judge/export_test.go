package judge

import "testing"

// CarryStrict makes this binary carry a version of the methods that is not
// there: as version 2, but each guardrail needs far more evidence to fail.
func CarryStrict(t *testing.T, version int) {
	was := carried
	t.Cleanup(func() { carried = was })
	strict := func(cfg Config) Config {
		cfg.FalseRollback /= 1e6
		return cfg
	}
	carried = append(was[:len(was):len(was)], methods{
		version: version,
		step:    func(cfg Config, s State, l Look) (State, Verdict) { return step(strict(cfg), s, l) },
		watch:   watch,
	})
}
