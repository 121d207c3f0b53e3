package app_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/linnet-project/linnet/app"
)

func TestMain(m *testing.M) {
	linnet := func() { os.Exit(app.ExitCode(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))) }
	if os.Getenv("LINNET_TEST_PROCESS") != "" {
		linnet()
	}
	// The end-to-end tests wait more than they work; -parallel still decides
	// where it is given.
	if err := flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){"linnet": linnet})
}

// TestScripts plays the stories of the command line in testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("LINNET_DATA", e.WorkDir+"/data")
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // or each command takes a second more
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"fill":   fill,
			"let":    let,
			"ports":  ports,
			"record": record,
			"until":  until,
		},
	})
}

// exits runs a command and holds its exit code to the one given:
// exits 2 linnet lint bad.yaml.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%s: exit code %s, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// fill puts variables (${NAME}) into a file.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// let puts what a file holds into a variable: let NAME FILE.
func let(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: let NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// until runs a command again and again until its standard output matches:
// until PATTERN COMMAND…
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND…")
	}
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	deadline := time.After(60 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if pattern.MatchString(out) {
			return
		}
		select {
		case <-deadline:
			ts.Fatalf("%s: never matched %s; last:\n%s%s", strings.Join(args[1:], " "), args[0], out, ts.ReadFile("stderr"))
		case <-tick.C:
		}
	}
}

// ports puts free loopback ports into variables: ports A B.
func ports(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ts.Setenv(name, port)
		ts.Check(l.Close())
	}
}

// record writes a recording of 10 minutes of the baseline alone and 20 of both:
// record FILE RATIO, where RATIO is the candidate's error rate over the
// baseline's.
func record(ts *testscript.TestScript, _ bool, args []string) {
	var ratio float64
	if _, err := fmt.Sscan(args[1], &ratio); err != nil {
		ts.Fatalf("record: %v", err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	var b strings.Builder
	b.WriteString("# TYPE http_requests counter\n")
	series := func(version, status string, from int, rate float64) {
		total := 0
		for k := from; k <= 120; k++ {
			if k > from || from == 0 {
				total += int(rate*15 + rng.NormFloat64()*0.5*rate)
			}
			fmt.Fprintf(&b, "http_requests_total{version=%q,status=%q} %d %d\n", version, status, max(total, 0), 1760000000+15*k)
		}
	}
	series("stable", "200", 0, 95)
	series("stable", "500", 0, 1)
	series("canary", "200", 40, 95)
	series("canary", "500", 40, ratio)
	b.WriteString("# EOF\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}
