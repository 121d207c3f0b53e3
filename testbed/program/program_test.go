//go:build linux

package program_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/testbed/program"
)

// asParent makes this test binary a process that starts a program and waits.
const asParent = "PROGRAM_TEST_PARENT"

func TestMain(m *testing.M) {
	if log := os.Getenv(asParent); log != "" {
		parent(log)
	}
	os.Exit(m.Run())
}

func parent(log string) {
	if _, err := program.Start(program.Config{Path: "sh", Args: []string{"-c", "echo child $$; exec sleep 1000"}, Log: log}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	select {}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	// One that has ended and was not yet waited for is a zombie.
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestNoProgramOutlivesItsTest(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "child")
	p := program.ForTest(t, program.Config{Path: self, Env: []string{asParent + "=" + log}})
	ctx := within(t, time.Minute)
	var child int
	said := regexp.MustCompile(`child (\d+)\n`)
	err = p.Until(ctx, "has started a child", func(context.Context) bool {
		text, _ := os.ReadFile(log)
		if found := said.FindSubmatch(text); found != nil {
			child, _ = strconv.Atoi(string(found[1]))
		}
		return child != 0
	})
	if err != nil || !alive(child) {
		t.Fatalf("child %d: %v", child, err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil { // as a test dies that ran out of memory
		t.Fatal(err)
	}
	if code, err := p.Wait(ctx); err != nil || code != -1 {
		t.Fatalf("exit code %d, %v", code, err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for alive(child) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the child outlived its parent")
		}
	}
}

func TestAProgramThatEndsEarlyTellsWhy(t *testing.T) {
	p := program.ForTest(t, program.Config{Path: "sh", Args: []string{"-c", "echo no such option >&2; exit 2"}})
	_, err := p.Says(within(t, time.Minute), regexp.MustCompile("ready"))
	if err == nil || !strings.Contains(err.Error(), "no such option") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("%v, want how it ended and what it said", err)
	}
}

func TestAProgramThatSaysNothingIsNotWaitedForLong(t *testing.T) {
	p := program.ForTest(t, program.Config{Path: "sleep", Args: []string{"1000"}})
	if _, err := p.Says(within(t, 50*time.Millisecond), regexp.MustCompile("ready")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline", err)
	}
}
