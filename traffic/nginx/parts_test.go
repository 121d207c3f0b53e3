package nginx

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// The hash is that of MurmurHash2 with seed 0, by a slow and plain rewriting of
// its description; that it is nginx's, the suite shows.
func TestMurmur(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.StringN(0, 40, 40).Draw(t, "data")
		const m, mask = 0x5bd1e995, 1<<32 - 1
		h := uint64(len(data))
		i := 0
		for ; i+4 <= len(data); i += 4 {
			k := uint64(data[i]) + uint64(data[i+1])<<8 + uint64(data[i+2])<<16 + uint64(data[i+3])<<24
			k = k * m & mask
			k = (k ^ k>>24) * m & mask
			h = h*m&mask ^ k
		}
		for j := i; j < len(data); j++ {
			h ^= uint64(data[j]) << (8 * (j - i))
		}
		if i < len(data) {
			h = h * m & mask
		}
		h = (h ^ h>>13) * m & mask
		h ^= h >> 15
		if got := murmur(data); uint64(got) != h {
			t.Fatalf("%q hashes to %#x, expected %#x", data, got, h)
		}
	})
}

func TestEveryPlaceHasAKey(t *testing.T) {
	for place, key := range placeKeys() {
		hash := uint64(murmur(strconv.FormatUint(uint64(key), 10)))
		from := uint64(place) * (1<<32 - 1) / uint64(places)
		to := uint64(place+1) * (1<<32 - 1) / uint64(places)
		if hash < from+1000 || hash+1000 > to {
			t.Fatalf("the key %d of place %d hashes to %d, which is not well between %d and %d", key, place, hash, from, to)
		}
	}
}

// The percentages of the file are the weights, to the last hundredth, and what is
// the whole is left to nobody else by rounding.
func TestTheFileHasTheWeights(t *testing.T) {
	cfg, err := Config{File: "f", Status: "127.0.0.1:1", Service: "shop", Arms: []Arm{{"a", "up-a"}, {"b", "up-b"}, {"c", "up-c"}}}.filled()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.Uint32Range(0, 10_000).Draw(t, "second")
		third := rapid.Uint32Range(0, 10_000-second).Draw(t, "third")
		weights := []release.Weight{release.Weight(10_000-second-third) * grain, release.Weight(second) * grain, release.Weight(third) * grain}
		text, err := cfg.render(release.Route{Epoch: 7, Owner: "x\"/1\n"}, weights)
		if err != nil {
			t.Fatal(err)
		}
		_, block, _ := strings.Cut(text, "split_clients")
		_, block, _ = strings.Cut(block, "{\n")
		block, _, _ = strings.Cut(block, "}")
		left, got := 10_000, map[string]int{}
		for line := range strings.Lines(block) {
			share, arm, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ";"), " ")
			if share == "*" {
				got[arm] = left
				continue
			}
			percent, err := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
			if err != nil || percent == 0 {
				t.Fatalf("the share %q", share)
			}
			got[arm] = int(percent*100 + 0.5)
			left -= got[arm]
		}
		for i, arm := range cfg.Arms {
			if got[arm.Upstream] != int(weights[i]/grain) {
				t.Fatalf("%v is written as\n%s", weights, block)
			}
		}
		if got := written(text); got != (split.Stamp{Epoch: 7, Owner: "x\"/1\n"}) {
			t.Fatalf("the stamp is read as %+v", got)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add("7 checkout-1.5.0%2F1 1234 checkout_candidate")
	f.Add("0  1 x")
	f.Add("")
	f.Add("1 %zz 1 x")
	f.Fuzz(func(t *testing.T, text string) {
		if got, ok := parseAnswer(text); !ok && got != (answer{}) {
			t.Errorf("%q is none and gives %+v", text, got)
		}
		written(text)
	})
}
