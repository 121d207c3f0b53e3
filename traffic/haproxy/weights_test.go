package haproxy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// armsOf are so many servers in each arm.
func armsOf(counts ...int) (Config, [][]server) {
	cfg := Config{Socket: "s", Service: "checkout", Backend: "checkout"}
	arms := make([][]server, len(counts))
	for i, n := range counts {
		arm := Arm{Name: fmt.Sprint("arm-", i)}
		for j := range n {
			name := fmt.Sprintf("s%d-%d", i, j)
			arm.Servers = append(arm.Servers, name)
			arms[i] = append(arms[i], server{name: name})
		}
		cfg.Arms = append(cfg.Arms, arm)
	}
	return cfg, arms
}

// Whatever multiple of the grain is asked for, the servers' weights give each
// arm exactly its share, are possible, and differ by one at most in an arm.
func TestWeightsOfServersAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, arms := armsOf(rapid.SliceOfN(rapid.IntRange(1, 60), 2, 4).Draw(t, "servers")...)
		grain := cfg.grain()
		weights, left := make([]release.Weight, len(arms)), release.Whole/grain
		for i := 1; i < len(arms); i++ {
			units := rapid.Uint32Range(0, uint32(left)).Draw(t, "units")
			weights[i] = release.Weight(units) * grain
			left -= release.Weight(units)
		}
		weights[0] = left * grain
		wanted, err := byServers{cfg: cfg}.wanted(arms, weights)
		if err != nil {
			t.Fatal(err)
		}
		for i := range arms {
			least, most := int64(mostWeight), int64(0)
			for j := range arms[i] {
				arms[i][j].weight = wanted[i][j]
				least, most = min(least, wanted[i][j]), max(most, wanted[i][j])
			}
			if most > mostWeight || least < 0 || most > least+1 {
				t.Fatalf("the servers of arm %d get %v", i, wanted[i])
			}
		}
		if got, err := (byServers{cfg: cfg}).shares(arms); err != nil || fmt.Sprint(got) != fmt.Sprint(weights) {
			t.Fatalf("%v was asked for, %v gives %v, %v", weights, wanted, got, err)
		}
	})
}

// While the commands of a change are carried out one by one, the arms after the
// first never have more together than before and after it.
func TestAChangeNeverExposesMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, arms := armsOf(rapid.IntRange(1, 5).Draw(t, "baseline"), rapid.IntRange(1, 5).Draw(t, "candidate"))
		b, grain := byServers{cfg: cfg}, cfg.grain()
		set := func(name string) (share release.Weight) {
			share = release.Weight(rapid.Uint32Range(0, uint32(release.Whole/grain)).Draw(t, name)) * grain
			wanted, err := b.wanted(arms, []release.Weight{release.Whole - share, share})
			if err != nil {
				t.Fatal(err)
			}
			before, err := b.shares(arms)
			if err != nil { // nothing is served yet
				before = []release.Weight{0, release.Whole}
			}
			for _, step := range b.steps(arms, wanted) {
				for _, command := range step {
					carryOut(t, arms, command)
					now, err := b.shares(arms)
					if err != nil || now[1] > max(before[1], share) {
						t.Fatalf("from %v to %v: after %q it is %v, %v", before[1], share, command, now, err)
					}
				}
			}
			return share
		}
		set("before")
		after := set("after")
		if now, err := b.shares(arms); err != nil || now[1] != after {
			t.Fatalf("%v was set and is %v, %v", after, now, err)
		}
	})
}

func carryOut(t *rapid.T, arms [][]server, command string) {
	target, weight := "", int64(0)
	if _, err := fmt.Sscanf(command, "set weight %s %d", &target, &weight); err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(target, "/")
	for i := range arms {
		for j := range arms[i] {
			if arms[i][j].name == name {
				arms[i][j].weight = weight
			}
		}
	}
}

func TestTheGrainFollowsTheServers(t *testing.T) {
	for _, c := range []struct {
		counts []int
		grain  release.Weight
	}{{[]int{1, 1}, 500}, {[]int{9, 1}, 500}, {[]int{2, 2}, 200}, {[]int{4, 4}, 100}, {[]int{40, 40}, 10}, {[]int{900, 900}, 10}} {
		if cfg, _ := armsOf(c.counts...); cfg.grain() != c.grain {
			t.Errorf("with %v servers the grain is %d, expected %d", c.counts, cfg.grain(), c.grain)
		}
	}
}

// Whatever stands in the map, reading it gives weights of the whole, and what
// Linnet writes it reads back.
func FuzzParseEntry(f *testing.F) {
	f.Add("7:checkout%2F1:salt:-:-:-:-:1000")
	f.Add("-")
	f.Add("")
	f.Add("7:a:b:c:d:e:f:99999999999:-5:x")
	f.Add("18446744073709551616:%zz:::::::50000:20000:70000")
	f.Fuzz(func(t *testing.T, value string) {
		stamp, weights := parseEntry(value, 3)
		if sum := weights[0] + weights[1] + weights[2]; sum != release.Whole || max(weights[0], weights[1], weights[2]) > release.Whole {
			t.Fatalf("%q is read as %v", value, weights)
		}
		route := release.Route{Owner: stamp.Owner, Epoch: stamp.Epoch, Salt: value, Sticky: release.Sticky{Header: "X-User"}}
		e, err := entryOf(route, weights)
		if err != nil {
			t.Fatal(err)
		}
		if !word.MatchString(e.String()) && len(e.String()) <= 500 {
			t.Errorf("%q is no argument of a command", e)
		}
		if again, same := parseEntry(e.String(), 3); again != split.StampOf(route) || fmt.Sprint(same) != fmt.Sprint(weights) {
			t.Errorf("%q gives %+v %v, and %q gives %+v %v", value, stamp, weights, e, again, same)
		}
	})
}

func FuzzParseAnswers(f *testing.F) {
	f.Add("1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state srv_uweight srv_check_result srv_check_state\n3 be 1 s1 2 0 100 3 6\n")
	f.Add("# pxname,svname,bck,tracked,algo,\nbe,s1,0,,,\nbe,BACKEND,1,,roundrobin,\n")
	f.Add(`type=str, case=sensitive, found=yes, idx=tree, key="checkout", value="7:own", type="str"`)
	f.Add("1\n# \n")
	f.Add("# \n")
	f.Fuzz(func(t *testing.T, text string) {
		servers, err := parseStates(text)
		if err != nil && servers != nil {
			t.Errorf("%q is none and gives %v", text, servers)
		}
		if algorithm, err := parseStats(text, servers); err != nil && algorithm != "" {
			t.Errorf("%q is none and gives %q", text, algorithm)
		}
		if value, ok := parseGetMap(text); !ok && value != "" {
			t.Errorf("%q is none and gives %q", text, value)
		}
	})
}

// A map's file may hold entries of others: they stay as they are.
func TestTheOtherLinesOfAMapFileStay(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"none yet", "", "# Written by Linnet. HAProxy reads it when it starts.\nshop new\n"},
		{"others'", "# mine\ncart  1\n\nblog 2", "# mine\ncart  1\n\nblog 2\nshop new\n"},
		{"ours among them", "cart 1\n shop old\nshopping 3\n", "cart 1\nshop new\nshopping 3\n"},
		{"ours twice", "shop old\ncart 1\nshop older\n", "shop new\ncart 1\n"},
		{"a bare key", "shop", "shop new\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shop.map")
			if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := (byMap{cfg: Config{MapFile: path, Service: "shop"}}).keep("new"); err != nil {
					t.Fatal(err)
				}
				if got, _ := os.ReadFile(path); string(got) != c.after {
					t.Errorf("%q", got)
				}
			}
		})
	}
}
