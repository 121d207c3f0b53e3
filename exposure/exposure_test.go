package exposure_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/exposure"
	"github.com/linnet-project/linnet/release"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/vectors.json anew")

const vectorsFile = "testdata/vectors.json"

// split builds weights in order: what the others leave is the baseline's.
func split(others ...release.Weight) []release.ArmWeight {
	weights := []release.ArmWeight{{Arm: release.Baseline}}
	rest := release.Whole
	for i, w := range others {
		name := release.Candidate
		if i > 0 {
			name = fmt.Sprintf("%s-%d", release.Candidate, i+1)
		}
		weights = append(weights, release.ArmWeight{Arm: name, Weight: w})
		rest -= w
	}
	weights[0].Weight = rest
	return weights
}

// weightsGen draws a split over n other arms.
func weightsGen(t *rapid.T, n int) []release.ArmWeight {
	others := make([]release.Weight, n)
	rest := release.Whole
	for i := range others {
		others[i] = release.Weight(rapid.Uint32Range(0, uint32(rest)).Draw(t, "weight"))
		rest -= others[i]
	}
	// Whichever arm is drawn first tends to be the largest: let any be it.
	shuffled := rapid.Permutation(others).Draw(t, "order")
	return split(shuffled...)
}

func TestEachArmHasExactlyItsBuckets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := weightsGen(t, rapid.IntRange(1, 5).Draw(t, "others"))
		got := map[string]release.Weight{}
		for b := range release.Whole {
			got[exposure.At(b, weights)]++
		}
		for _, w := range weights {
			if got[w.Arm] != w.Weight {
				t.Fatalf("%s has %d buckets, its weight is %d of %v", w.Arm, got[w.Arm], w.Weight, weights)
			}
		}
	})
}

func TestUserStaysWhileTheWeightGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		salt, key := rapid.String().Draw(t, "salt"), rapid.String().Draw(t, "key")
		low := rapid.Uint32Range(0, uint32(release.Whole)).Draw(t, "low")
		high := rapid.Uint32Range(low, uint32(release.Whole)).Draw(t, "high")
		before := exposure.Pick(salt, key, split(release.Weight(low)))
		after := exposure.Pick(salt, key, split(release.Weight(high)))
		if before == release.Candidate && after != release.Candidate {
			t.Fatalf("from %d to %d the user went from %s to %s", low, high, before, after)
		}
	})
}

func TestGrowthOfAnArmKeepsItsUsers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := weightsGen(t, rapid.IntRange(1, 5).Draw(t, "others"))
		after, grown := grow(t, before)
		for b := release.Weight(0); b < release.Whole; b += 61 {
			if exposure.At(b, before) == grown && exposure.At(b, after) != grown {
				t.Fatalf("bucket %d left %s while it grew: %v to %v", b, grown, before, after)
			}
		}
	})
}

func TestGrowthMovesNobodyBetweenOtherArms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "others")
		before := weightsGen(t, n)
		after, grown := grow(t, before)
		if n > 2 && outgrown(after) {
			t.Skip("above its home an arm has to take from somebody")
		}
		for b := release.Weight(0); b < release.Whole; b += 61 {
			from, to := exposure.At(b, before), exposure.At(b, after)
			if from != to && (from != release.Baseline || to != grown) {
				t.Fatalf("bucket %d went from %s to %s while %s grew: %v to %v", b, from, to, grown, before, after)
			}
		}
	})
}

// grow gives one other arm some of the baseline's weight.
func grow(t *rapid.T, before []release.ArmWeight) (after []release.ArmWeight, arm string) {
	after = append(after, before...)
	i := rapid.IntRange(1, len(before)-1).Draw(t, "which")
	by := release.Weight(rapid.Uint32Range(0, uint32(before[0].Weight)).Draw(t, "by"))
	after[0].Weight -= by
	after[i].Weight += by
	return after, after[i].Arm
}

func outgrown(weights []release.ArmWeight) bool {
	for _, w := range weights[1:] {
		if int(w.Weight) > int(release.Whole)/(len(weights)-1) {
			return true
		}
	}
	return false
}

func TestZeroAndWholeAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		salt, key := rapid.String().Draw(t, "salt"), rapid.String().Draw(t, "key")
		if got := exposure.Pick(salt, key, split(0)); got != release.Baseline {
			t.Fatalf("weight 0 sent a user to %s", got)
		}
		if got := exposure.Pick(salt, key, split(release.Whole)); got != release.Candidate {
			t.Fatalf("the whole weight sent a user to %s", got)
		}
	})
}

func TestOddWeightsNameAnArm(t *testing.T) {
	if got := exposure.Pick("s", "k", nil); got != "" {
		t.Errorf("no weights gave %q", got)
	}
	alone := []release.ArmWeight{{Arm: "only", Weight: release.Whole}}
	if got := exposure.Pick("s", "k", alone); got != "only" {
		t.Errorf("a single arm gave %q", got)
	}
	over := []release.ArmWeight{{Arm: "a"}, {Arm: "b", Weight: math.MaxUint32}, {Arm: "c", Weight: math.MaxUint32}}
	for b := range release.Whole {
		if exposure.At(b, over) == "" {
			t.Fatalf("weights above the whole left bucket %d without an arm", b)
		}
	}
}

// keyShapes are the forms that user keys come in.
var keyShapes = []struct {
	name string
	key  func(i int, rnd *rand.Rand) string
}{
	{"word and number", func(i int, _ *rand.Rand) string { return fmt.Sprintf("user-%d", i) }},
	{"number", func(i int, _ *rand.Rand) string { return fmt.Sprint(i) }},
	{"uuid", func(_ int, rnd *rand.Rand) string {
		a, b := rnd.Uint64(), rnd.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48, b&(1<<48-1))
	}},
}

const keys = 200_000

func TestSharesAreWhatWasAsked(t *testing.T) {
	for _, shape := range keyShapes {
		t.Run(shape.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			shares := []release.Weight{100, 1_000, 5_000, 25_000, 50_000, 90_000}
			got := make([]int, len(shares))
			for i := range keys {
				b := exposure.Bucket("release-7", shape.key(i, rnd))
				for j, w := range shares {
					if exposure.At(b, split(w)) == release.Candidate {
						got[j]++
					}
				}
			}
			for j, w := range shares {
				within(t, got[j], float64(w)/float64(release.Whole))
			}
		})
	}
}

func TestSaltsAreIndependent(t *testing.T) {
	for _, shape := range keyShapes {
		t.Run(shape.name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(3, 4))
			weights := split(20_000)
			both := 0
			for i := range keys {
				key := shape.key(i, rnd)
				one := exposure.Pick("release-1", key, weights)
				two := exposure.Pick("release-2", key, weights)
				if one == release.Candidate && two == release.Candidate {
					both++
				}
			}
			within(t, both, 0.2*0.2)
		})
	}
}

// within holds a count of keys to four and a half standard deviations around
// its share, which chance leaves once in 150,000.
func within(t *testing.T, got int, share float64) {
	t.Helper()
	want := share * keys
	room := 4.5 * math.Sqrt(want*(1-share))
	if math.Abs(float64(got)-want) > room {
		t.Errorf("%d of %d keys, expected %.0f ± %.0f", got, keys, want, room)
	}
}

// vector is one example that other implementations can be held against.
type vector struct {
	Salt    string         `json:"salt"`
	Key     string         `json:"key"`
	Bucket  release.Weight `json:"bucket"`
	Weights []vectorWeight `json:"weights"`
	Arm     string         `json:"arm"`
}

type vectorWeight struct {
	Arm    string         `json:"arm"`
	Weight release.Weight `json:"weight"`
}

func TestVectors(t *testing.T) {
	if *rewrite {
		writeVectors(t)
	}
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 50 {
		t.Fatalf("only %d vectors", len(vectors))
	}
	for _, v := range vectors {
		weights := make([]release.ArmWeight, len(v.Weights))
		for i, w := range v.Weights {
			weights[i] = release.ArmWeight(w)
		}
		if got := exposure.Bucket(v.Salt, v.Key); got != v.Bucket {
			t.Errorf("salt %q, key %q: bucket %d, recorded %d", v.Salt, v.Key, got, v.Bucket)
		}
		if got := exposure.Pick(v.Salt, v.Key, weights); got != v.Arm {
			t.Errorf("salt %q, key %q, %v: arm %s, recorded %s", v.Salt, v.Key, weights, got, v.Arm)
		}
	}
}

func writeVectors(t *testing.T) {
	t.Helper()
	splits := [][]release.ArmWeight{
		split(1_000), split(50_000), split(30_000, 20_000), split(60_000, 40_000), split(50_000, 5_000, 40_000),
	}
	users := []string{"", "1", "42", "user-1", "user-2", "user-100000", "käse", "日本",
		"a b", "8d7a2c1e-5b1f-4f4e-9a55-0c1a5d1f7e10", "0123456789abcdef0123456789abcdef0123456789"}
	var vectors []vector
	for _, salt := range []string{"", "release-7", "c2FsdA"} {
		for i, key := range users {
			for j := range 2 {
				weights := splits[(i+j)%len(splits)]
				v := vector{Salt: salt, Key: key, Bucket: exposure.Bucket(salt, key), Arm: exposure.Pick(salt, key, weights)}
				for _, w := range weights {
					v.Weights = append(v.Weights, vectorWeight(w))
				}
				vectors = append(vectors, v)
			}
		}
	}
	text, err := json.MarshalIndent(vectors, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorsFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBucketByHand holds the published formula against the known XXH64 of the
// empty salt and key, whose input is the one zero byte: e934a84adb052768.
func TestBucketByHand(t *testing.T) {
	const hash = 0xe934a84adb052768
	if got, want := exposure.Bucket("", ""), exposure.Spread(hash); got != want {
		t.Errorf("bucket %d, the formula gives %d", got, want)
	}
	// The same product in another way: halves of the hash, added by hand.
	hi, lo := uint64(hash)>>32*100_000, uint64(hash)&0xffffffff*100_000
	if got, want := exposure.Spread(hash), release.Weight((hi+lo>>32)>>32); got != want {
		t.Errorf("spread %d, by halves %d", got, want)
	}
}

func BenchmarkPick(b *testing.B) {
	weights := split(5_000)
	b.ReportAllocs()
	for b.Loop() {
		exposure.Pick("release-7-salt", "8d7a2c1e-5b1f-4f4e-9a55-0c1a5d1f7e10", weights)
	}
}
