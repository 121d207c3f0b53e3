package limit

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestRates(t *testing.T) {
	r := NewRates(2)
	for i := range 10 {
		if w := r.Wait("a", noon); w != 0 {
			t.Fatalf("request %d waits %s", i, w)
		}
	}
	if r.Wait("a", noon) == 0 || r.Wait("b", noon) != 0 {
		t.Error("a is too fast, and b is not")
	}
	for n, free := range []bool{true, true, false} {
		if (r.Wait("a", noon.Add(time.Second)) == 0) != free {
			t.Errorf("request %d a second later: two a second are free", n)
		}
	}
	none := NewRates(0)
	for range 1000 {
		if none.Wait("a", noon) != 0 {
			t.Fatal("no bound")
		}
	}
}

func TestLockOutGrowsIsBoundedAndEnds(t *testing.T) {
	f, now := NewFailures(), noon
	var last time.Duration
	for n := 1; n <= 100; n++ {
		lock := f.Fail("a", now)
		switch {
		case n < free && lock != 0, n >= free && lock < shortest, lock < last, lock > longest:
			t.Fatalf("failure %d locks for %s after %s", n, lock, last)
		case lock != f.Locked("a", now), f.Locked("b", now) != 0:
			t.Fatalf("failure %d: %s, b %s", n, f.Locked("a", now), f.Locked("b", now))
		case f.Locked("a", now.Add(lock)) != 0:
			t.Fatal("a lock does not end")
		}
		last = lock
		now = now.Add(time.Second)
	}
	if last != longest {
		t.Errorf("the longest lock is %s", last)
	}
	now = now.Add(forgotten + time.Second)
	if f.Fail("a", now) != 0 {
		t.Error("what is long ago is not forgotten")
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s, f := NewSeen(), NewFailures()
	for i := range mostKeys + 5 {
		s.Add(fmt.Sprint(i))
		f.Fail(fmt.Sprint(i), noon)
	}
	if len(s.keys.byKey) != mostKeys || s.keys.order.Len() != mostKeys || len(f.keys.byKey) != mostKeys {
		t.Error("more is kept than may be")
	}
	if s.Has("4") || !s.Has("5") {
		t.Error("the oldest goes first")
	}
}
