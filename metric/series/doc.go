// Package series turns raw samples of time series into exact observations.
//
// Every source that speaks PromQL's data model shares it: such a source only
// implements Source (raw samples of a selector; an expression at instants) and
// Observe does the rest. The rules, in the order in which they apply:
//
// Selectors. An arm's labels enter a metric's expression through PromQL's
// parser: each selector in it gets them as equality matchers. Ratio, count and
// histogram expressions are plain selectors, or unions of them; a gauge may be
// any expression that yields an instant vector.
//
// Increase. What a counter gained in a window (From, To] is its last sample at
// or before To less its last sample at or before From. Where a sample is lower
// than the one before it, the process began anew and the sample counts whole.
// Nothing is extrapolated, so that consecutive windows sum to exactly what was
// counted.
//
// Birth. A series without a sample before counts from 0 if the source was
// watching before it was born: a source whose start is known (a recording) was
// watching from there; of any other, some series of the same query must have
// been there for one and a half scrape intervals already, so that the newborn
// would have been seen had it lived. Else its first sample only sets the base.
// Samples are looked for at least ten minutes, and at least four windows, before
// From; a series that was silent for longer is a newborn.
//
// Presence. An arm (or a segment of it) is there in a window if one of its
// series has a sample in the window or, where scrapes are sparser than windows,
// less than one and a half scrape intervals before its end. What is there and
// did not move is an idle observation with zeroes; what is not there has no
// observation. A ratio needs its denominator there; bad events without any
// series are zero bad events.
//
// Samples. A series with the label sample_ratio="0.1" counts a tenth of what
// happened. What it gained is scaled up, and the observation's Kept says what was
// counted: of a histogram, as how many values drawn alike it tells. The label is
// none of arms and segments.
//
// NaN and infinite samples are skipped and counted in a warning; staleness
// marks are skipped and end a series' presence.
package series
