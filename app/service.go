package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/release"
)

const (
	// serviceReady is how long a version of the demo's service may take to
	// start, serviceStop how long to end.
	serviceReady = 10 * time.Second
	serviceStop  = 3 * time.Second
	// listening begins the line by which it says its address.
	listening = "listening on "
)

// demoService is one version of the demo's service, as a process of its own.
func (p *process) demoService() *cobra.Command {
	var c demo.Config
	var fault string
	var follow bool
	cmd := &cobra.Command{
		Use: "demo-service", Short: "One version of the demo's service", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if c.Fault, err = demo.ParseFault(fault); err != nil {
				return err
			}
			ctx := cmd.Context()
			if follow {
				// The demo ends its services itself, after the traffic has moved.
				ctx = context.WithoutCancel(ctx)
			}
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			end := make(chan os.Signal, 1)
			signal.Notify(end, syscall.SIGTERM)
			defer signal.Stop(end)
			if follow {
				go func() {
					// Standard input ends when the demo dies, however it dies.
					_, _ = bufio.NewReader(p.in).ReadByte()
					cancel()
				}()
			}
			go func() { <-end; cancel() }()
			return demo.Serve(ctx, c, func(address string) { fmt.Fprintln(p.out, listening+address) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", "127.0.0.1:0", "address to listen on")
	f.StringVar(&c.Version, "version-name", "", "the version it says it is")
	f.StringVar(&fault, "fault", "", "what is wrong with it")
	f.BoolVar(&follow, "follow", false, "end when standard input does")
	f.Uint64Var(&c.Seed, "seed", 1, "seed of its chance")
	return cmd
}

// service is a version of the demo's service that runs.
type service struct {
	cmd     *exec.Cmd
	input   func() error
	address string
	ended   chan struct{}
}

// startService starts a version and waits for its address.
func startService(ctx context.Context, v version) (*service, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "demo-service", "--follow", "--version-name", v.name, "--fault", string(v.fault), "--seed", seedOf(v.name))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a Ctrl-C is the demo's to handle
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("demo service: %w", err)
	}
	s := &service{cmd: cmd, input: in.Close, ended: make(chan struct{})}
	said := make(chan string, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if a, ok := strings.CutPrefix(lines.Text(), listening); ok {
				select {
				case said <- a:
				default:
				}
			}
		}
		_ = cmd.Wait() // a version that crashes is part of the demo
	}()
	select {
	case s.address = <-said:
		return s, nil
	case <-s.ended:
		return nil, fmt.Errorf("demo service %s ended before it listened: %w", v.name, release.ErrUnavailable)
	case <-time.After(serviceReady):
	case <-ctx.Done():
	}
	s.stop()
	return nil, fmt.Errorf("demo service %s did not listen within %s: %w", v.name, serviceReady, release.ErrUnavailable)
}

// seedOf gives each version a seed of its own.
func seedOf(name string) string {
	n := 7
	for _, r := range name {
		n = n*31 + int(r)
	}
	return fmt.Sprint(n)
}

// stop ends the process, and waits until it has.
func (s *service) stop() {
	_ = s.input()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(serviceStop):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}
