// Package backtest judges what was recorded as if it were happening: in virtual
// time, through the very engine and judge that live releases use, touching no
// provider. Replay plays a recording of a release; Stream judges observations
// that somebody else gathered.
package backtest
