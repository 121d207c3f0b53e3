package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

var day = time.Date(2026, 1, 2, 15, 4, 5, 123456789, time.UTC)

var checkout = ID{Name: "checkout-1.5.0", Attempt: 1}

const fileOfCheckout = "apiVersion: linnet/v1\nkind: Release\n"

// filled gives a value in which every field, at any depth, is set and differs
// from the others, so that a form which forgets a field is found out.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fillValue(t, reflect.ValueOf(&v).Elem(), &n)
	return v
}

func fillValue(t *testing.T, v reflect.Value, n *int) {
	*n++
	if !v.CanSet() {
		t.Fatalf("a %s is unexported: it would not be stored", v.Type())
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(day.Add(time.Duration(*n) * time.Second)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		v.SetInt(int64(*n % 100))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n % 256))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fillValue(t, v.Index(0), n)
		fillValue(t, v.Index(1), n)
	case reflect.Array:
		for i := range v.Len() {
			fillValue(t, v.Index(i), n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillValue(t, key, n)
		fillValue(t, elem, n)
		v.SetMapIndex(key, elem)
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(t, v.Field(i), n)
		}
	default:
		t.Fatalf("%s: no way to fill a %s", v.Type(), v.Kind())
	}
}

// eventSamples has one event of each kind, all fields set.
func eventSamples(t *testing.T) []engine.Event {
	return []engine.Event{
		filled[engine.Started](t), filled[engine.Looked](t),
		filled[engine.Acknowledged](t), filled[engine.Commanded](t),
	}
}

// effectSamples has one effect of each kind, all fields set.
func effectSamples(t *testing.T) []engine.Effect {
	return []engine.Effect{filled[engine.SetRoute](t), filled[engine.Notify](t)}
}

// quietLook is the record of a look at ten metrics in which nothing happens:
// six ratios, two histograms of twelve bounds, two gauges of three instances,
// 500 requests a second, 15 s a look, 1 % to the candidate.
func quietLook(random *rand.Rand, seq uint64) Record {
	at := day.Add(time.Duration(seq) * 15 * time.Second).Add(time.Duration(random.IntN(9_000_000)))
	to := at.Truncate(time.Second)
	look := engine.Looked{At: at, Window: release.Window{From: to.Add(-15 * time.Second), To: to}}
	add := func(o release.Observation) {
		o.Window = look.Window
		look.Observations = append(look.Observations, o)
	}
	for _, name := range []string{"errors", "timeouts", "checkout-failures", "payment-errors", "cache-misses", "retries"} {
		for _, arm := range arms {
			all := arm.requests(random)
			add(release.Observation{Metric: name, Arm: arm.name,
				Events: int64(random.IntN(2 + int(all)/50)), Of: all})
		}
	}
	bounds := []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	for _, name := range []string{"latency", "db-latency"} {
		for _, arm := range arms {
			add(release.Observation{Metric: name, Arm: arm.name, Bounds: bounds, Counts: arm.latencies(random, len(bounds)+1)})
		}
	}
	for _, name := range []string{"cpu", "memory"} {
		for _, arm := range arms {
			add(release.Observation{Metric: name, Arm: arm.name,
				Points: []float64{random.Float64(), random.Float64(), random.Float64()}})
		}
	}
	e := -random.Float64() * 3
	reason := release.Reason{Code: release.Collecting, Text: fmt.Sprintf("errors: evidence for harm is %.2f of 6.91, no harm of twice the baseline is ruled out yet", e)}
	look.Seen = &release.Seen{Route: routeOf(1_000)}
	return Record{Seq: seq, At: at, Event: look, Decision: engine.Decision{
		At: at, Kind: engine.Stay, Phase: engine.Observing, Step: 1, Weight: 1_000, Reason: reason,
		Verdict: &judge.Verdict{At: at, Outcome: judge.Wait, Reason: reason, Metric: "errors", Fresh: true,
			Comparisons: []judge.Comparison{{Metric: "errors", LogE: e, LogThreshold: math.Log(1000)}}},
	}}
}

type trafficOf struct {
	name string
	rate float64
}

var arms = []trafficOf{{release.Baseline, 7_425}, {release.Candidate, 75}}

func (a trafficOf) requests(random *rand.Rand) float64 {
	return math.Round(a.rate + math.Sqrt(a.rate)*random.NormFloat64())
}

func (a trafficOf) latencies(random *rand.Rand, buckets int) []int64 {
	counts := make([]int64, buckets)
	for i := range counts {
		share := math.Exp(-math.Pow(float64(i)-3, 2) / 4)
		counts[i] = int64(a.requests(random) * share * 0.28)
	}
	return counts
}

func routeOf(weight release.Weight) release.Route {
	return release.Route{Service: "checkout", Salt: "9f86d081884c7d65", Epoch: 7, Owner: checkout.String(), Lease: 30 * time.Second,
		Weights: []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole - weight}, {Arm: release.Candidate, Weight: weight}}}
}

// beginning is the first record of a release.
func beginning(id ID) Record {
	sum := sha256.Sum256([]byte(fileOfCheckout))
	return Record{At: day, Event: engine.Started{At: day, Attempt: id.Attempt, Salt: "9f86d081884c7d65", Epoch: 7, Methods: 1,
		Plan: plan.Plan{Name: id.Name, Service: "checkout", Hash: hex.EncodeToString(sum[:])}},
		Decision: engine.Decision{At: day, Kind: engine.Start, Phase: engine.Shifting, Step: 1, Weight: 1_000,
			Reason: release.Reason{Code: release.Begun, Text: "the release begins"}},
		Effects: []engine.Effect{engine.SetRoute{
			Effect: engine.EffectID{Release: id.Name, Attempt: id.Attempt, Seq: 1}, Route: routeOf(1_000)}},
	}
}

// ending is a record that ends a release.
func ending(phase engine.Phase, at time.Time) Record {
	return Record{At: at, Event: engine.Looked{At: at}, Decision: engine.Decision{At: at, Kind: engine.Finish, Phase: phase}}
}

// fold counts events, as far as the engine's own state is concerned.
func fold(state engine.State, event engine.Event) engine.State {
	state.Seq++
	state.Now = engine.When(event)
	if started, ok := event.(engine.Started); ok {
		state.Release, state.Attempt, state.Plan = started.Plan.Name, started.Attempt, started.Plan
	}
	return state
}

// quick is for tests that lose no power.
func quick() settings {
	with := defaults()
	with.Sync = "OFF"
	return with
}

func opened(t testing.TB, dir string, with settings) *Store {
	t.Helper()
	s, err := open(t.Context(), dir, with)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// begun opens a new store with one release in it.
func begun(t testing.TB) *Store {
	t.Helper()
	s := opened(t, t.TempDir(), quick())
	begin1(t, s, checkout)
	return s
}

func begin1(t testing.TB, s *Store, id ID) {
	t.Helper()
	if err := s.Begin(t.Context(), id, []byte(fileOfCheckout), beginning(id), &engine.State{Seq: 1}); err != nil {
		t.Fatal(err)
	}
}

// follow appends records up to a sequence, folding as it goes.
func follow(t testing.TB, s *Store, id ID, upTo uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	state, seq, err := s.Load(t.Context(), id, fold)
	if err != nil {
		t.Fatal(err)
	}
	for seq < upTo {
		rec := quietLook(random, seq+1)
		state = fold(state, rec.Event)
		if err := s.Append(t.Context(), id, seq, rec, &state); err != nil {
			t.Fatal(err)
		}
		seq++
	}
}

// finish ends a release.
func finish(t testing.TB, s *Store, id ID, phase engine.Phase, at time.Time) {
	t.Helper()
	summary, err := s.Find(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), id, summary.Seq, ending(phase, at), &engine.State{Seq: summary.Seq + 1, Phase: phase}); err != nil {
		t.Fatal(err)
	}
}

// tamper changes the database behind the store's back.
func tamper(t testing.TB, s *Store, query string, args ...any) {
	t.Helper()
	err := s.db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// alone is tamper for what SQLite does outside of a transaction only.
func alone(t testing.TB, s *Store, query string, args ...any) {
	t.Helper()
	if err := s.db.Alone(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// ask reads one value out of the database.
func ask(t testing.TB, r *Reader, query string, into any) error {
	t.Helper()
	return r.db.Read(t.Context(), func(tx database.Tx) error { return tx.QueryRow(t.Context(), query).Scan(into) })
}
