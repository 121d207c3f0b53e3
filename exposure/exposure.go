// Package exposure decides which user sees which arm.
//
// It is integer arithmetic from end to end, so that every process, restart and
// programming language comes to the same answer:
//
//	hash   = XXH64(salt, 0x00, key), seed 0
//	bucket = the high 64 bits of hash * 100,000, a number from 0 to 99,999
//
// and At maps the bucket to an arm. testdata/vectors.json holds examples that
// other implementations can be held against.
//
// # Who moves when weights change
//
// The first arm is the baseline; it has what the others leave. The line of
// 100,000 buckets is cut into one home for each other arm, of equal size, in
// the order of the weights: arm i of k begins at i*100,000/k. An arm fills its
// home from the start upwards. What does not fit spills into what is free in
// the homes of the others, from their ends downwards. Hence:
//
//   - A user stays in an arm while that arm's weight grows, and leaves it only
//     when a weight changes against them. With one other arm, the ordinary
//     release, they go back to the baseline only when the candidate's falls.
//   - With two other arms, changing one moves nobody between the two.
//   - With three or more the same holds while each has at most its home. Above
//     that some must move: no rule without memory can spare them all, as the
//     users of each arm would have to depend on its own weight alone, and then
//     two arms that each may take what the third leaves would be the same set.
//
// The number of arms and their order must stay the same over a release, arms
// of weight zero included.
package exposure

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"

	"github.com/linnet-project/linnet/release"
)

// Pick tells which arm the user of key sees. Weights are in the order of the
// release's arms, baseline first, and sum to release.Whole. The answer is ""
// only where there are no weights.
func Pick(salt, key string, weights []release.ArmWeight) (arm string) {
	return At(Bucket(salt, key), weights)
}

// Bucket is the user's place on the line, from 0 to release.Whole-1. It never
// changes for a salt and key; another salt gives a place that has nothing to
// do with it.
func Bucket(salt, key string) release.Weight {
	var d xxhash.Digest
	d.Reset()
	// A Digest takes all it is given, so what these return says nothing. The
	// zero byte keeps "ab"+"c" and "a"+"bc" apart.
	d.WriteString(salt)
	d.WriteString("\x00")
	d.WriteString(key)
	return Spread(d.Sum64())
}

// Spread maps a number drawn evenly from all of uint64 to a bucket, evenly to
// one part in 10^14.
func Spread(u uint64) release.Weight {
	hi, _ := bits.Mul64(u, uint64(release.Whole))
	return release.Weight(hi)
}

// At tells which arm a bucket belongs to; see the package comment for the
// scheme. A bucket that no other arm claims is the first arm's.
func At(bucket release.Weight, weights []release.ArmWeight) string {
	if len(weights) == 0 {
		return ""
	}
	others := weights[1:]
	// free counts the free buckets that spill is given before this one.
	var free uint64
	for i, w := range others {
		start, end := home(i, len(others))
		held := min(uint64(w.Weight), end-start)
		if uint64(bucket) >= end {
			free += end - start - held
			continue
		}
		if uint64(bucket)-start < held {
			return w.Arm
		}
		return spill(free+end-1-uint64(bucket), weights)
	}
	return weights[0].Arm
}

// spill tells who has the free bucket of that rank: the arms that outgrew
// their homes take free buckets in order, the rest is the first arm's.
func spill(rank uint64, weights []release.ArmWeight) string {
	others := weights[1:]
	var taken uint64
	for i, w := range others {
		start, end := home(i, len(others))
		if uint64(w.Weight) > end-start {
			taken += uint64(w.Weight) - (end - start)
		}
		if rank < taken {
			return w.Arm
		}
	}
	return weights[0].Arm
}

// home is the stretch [start, end) of the line where arm i of k others begins.
func home(i, k int) (start, end uint64) {
	whole, n, at := uint64(release.Whole), uint64(k), uint64(i)
	return at * whole / n, (at + 1) * whole / n
}
