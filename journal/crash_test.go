package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// crashDir, in the environment, makes the test binary a process that appends
// to the journal there until it is killed.
const crashDir = "LINNET_JOURNAL_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, appendForEver(context.Background(), dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForEver says the sequence of each record on its standard output after
// the journal has it.
func appendForEver(ctx context.Context, dir string) error {
	fmt.Println("up")
	with := defaults()
	with.every = 10
	s, err := open(ctx, dir, with)
	if err != nil {
		return err
	}
	lock, err := s.Own(checkout, day)
	if err != nil {
		return err
	}
	defer lock.Release()
	if _, found, err := s.Latest(ctx, checkout.Name); err != nil {
		return err
	} else if !found {
		if err := s.Begin(ctx, checkout, []byte(fileOfCheckout), beginning(checkout), &engine.State{Seq: 1}); err != nil {
			return err
		}
		fmt.Println(1)
	}
	state, seq, err := s.Load(ctx, checkout, fold)
	random := rand.New(rand.NewPCG(seq, 0))
	for err == nil {
		rec := quietLook(random, seq+1)
		state = fold(state, rec.Event)
		if err = s.Append(ctx, checkout, seq, rec, &state); err == nil {
			seq++
			fmt.Println(seq)
		}
	}
	return err
}

// Killed at any moment, from creating the file on: every record that was
// acknowledged is there, at most one more, and the chain is whole.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(13, 14))
	const kills = 22
	last := uint64(0)
	for kill := range kills {
		// Some die while opening, the others after a number of records, all of
		// them at a random instant after that.
		lines, delay := 1+random.IntN(40), time.Duration(random.IntN(3000))*time.Microsecond
		if kill < 10 {
			lines, delay = 0, 5*delay
		}
		acknowledged := max(last, runAndKill(t, dir, lines, delay))
		r, err := OpenReader(t.Context(), dir)
		if errors.Is(err, release.ErrNotFound) && acknowledged == 0 {
			continue // it died before there was a journal
		}
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		at, found, err := r.Latest(t.Context(), checkout.Name)
		if err != nil || !found && acknowledged > 0 {
			t.Fatalf("kill %d: release is %v, %v, %v", kill, at, found, err)
		}
		if found {
			last = checkAfterKill(t, r, acknowledged)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if last < kills {
		t.Errorf("only %d records were written before the kills", last)
	}
	t.Logf("%d records over %d kills", last, kills)
}

func checkAfterKill(t *testing.T, r *Reader, acknowledged uint64) uint64 {
	t.Helper()
	head, err := r.Verify(t.Context(), checkout)
	if err != nil || head.Seq < acknowledged || head.Seq > acknowledged+1 {
		t.Fatalf("head is %v (%v), acknowledged were %d", head, err, acknowledged)
	}
	state, seq, err := r.Load(t.Context(), checkout, fold)
	if err != nil || seq != head.Seq || state.Seq != seq {
		t.Fatalf("state of %d at %d (%v), want %d", state.Seq, seq, err, head.Seq)
	}
	return head.Seq
}

// runAndKill gives the last sequence that the process acknowledged.
func runAndKill(t *testing.T, dir string, lines int, delay time.Duration) (last uint64) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), crashDir+"="+dir)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for n := 0; said.Scan(); n++ {
		if n == lines {
			<-time.After(delay) // the moment is what is tested; nothing waits for it
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		if seq, err := strconv.ParseUint(said.Text(), 10, 64); err == nil {
			last = seq
		}
	}
	if err := command.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the process ended by itself: %v %s", err, complaint.String())
	}
	return last
}
