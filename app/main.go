package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnet-project/linnet/release"
)

// Version is the version of this binary, set by the linker.
var Version = "dev"

// process is what every verb has at hand.
type process struct {
	in       io.Reader
	out, err io.Writer
	// common flags
	data string
	// database is the URL that --db names, for verbs that have it.
	database  string
	json      bool
	quiet     bool
	logFormat string
	logLevel  string
	// book knows how the sources do of what is run; nil where nobody looks.
	book *sourceBook
}

const defaultLogLevel = "warn"

// Main runs one command. It prints its own errors; ExitCode turns what it
// returns into the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends at once.
	context.AfterFunc(ctx, stop)
	p := &process{in: interruptible{ctx, stdin}, out: stdout, err: stderr}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && strings.HasPrefix(err.Error(), "required flag") {
		err = fmt.Errorf("%w; %w", err, errUsage)
	}
	var silent exit
	if err != nil && !errors.As(err, &silent) {
		fmt.Fprintf(stderr, "linnet: %s\n", release.Plain(err))
	}
	return err
}

// interruptible is input that an interrupt ends, though a read hangs; the read
// is left behind for the end of the process.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (in interruptible) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(b)) // b is the caller's again once this returns
	done := make(chan result, 1)
	go func() {
		n, err := in.r.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(b, own[:r.n]), r.err
	case <-in.ctx.Done():
		return 0, in.ctx.Err()
	}
}

func (p *process) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "linnet",
		Args:  cobra.ArbitraryArgs, // an unknown verb is ours to explain
		Short: "Releases services by evidence: shift a little, compare, then advance, hold or roll back.",
		Long: `Linnet decides by evidence whether a new version of a service is safe, and moves
its traffic accordingly.

Exit codes: 0 promoted, or done; 1 an error, a failed verification; 2 unusable
input; 3 rolled back; 4 inconclusive; 5 aborted by a person.`,
		Version:           Version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd) },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; %w (linnet %s --help)", err, errUsage, strings.TrimPrefix(cmd.CommandPath(), "linnet "))
	})
	f := root.PersistentFlags()
	f.StringVar(&p.data, "data", dataFolder(), "data folder")
	f.BoolVar(&p.json, "json", false, "print JSON")
	f.BoolVar(&p.quiet, "quiet", false, "print only what was asked for, no progress")
	f.StringVar(&p.logFormat, "log-format", "text", "text or json")
	f.StringVar(&p.logLevel, "log-level", defaultLogLevel, "debug, info, warn or error")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.demo(), p.demoService(), p.run(), p.serve(), p.access(), p.proxy(), p.lint(), p.schema(), p.providers(), p.sources(), p.doctor(), p.imports(),
		p.judge(), p.plan(), p.backtest(), p.replay(), p.audit(), p.release(), p.ingest(), p.notices(), p.hook())
	root.AddCommand(p.login(), p.logout(), p.token(), p.serviceAccount())
	root.AddCommand(p.backup(), p.restore(), p.migrate())
	usageErrors(root)
	return root
}

// usageErrors marks wrong arguments as unusable input.
func usageErrors(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return fmt.Errorf("%w; %w (%s --help)", err, errUsage, c.CommandPath())
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		usageErrors(c)
	}
	if cmd.HasSubCommands() && cmd.Run == nil && cmd.RunE == nil {
		cmd.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for %s%s; %w (%s --help)", args[0], c.CommandPath(),
					nearest(c, args[0]), errUsage, c.CommandPath())
			}
			return c.Help()
		}
	}
}

func nearest(c *cobra.Command, name string) string {
	c.SuggestionsMinimumDistance = 2
	if s := c.SuggestionsFor(name); len(s) > 0 {
		return fmt.Sprintf(" (did you mean %s?)", strings.Join(s, ", "))
	}
	return ""
}

// fromEnvironment takes flags that were not given from LINNET_… variables:
// --log-level from LINNET_LOG_LEVEL.
func fromEnvironment(cmd *cobra.Command) error {
	var errs []error
	// Who names a data folder means that, whatever server is usually asked.
	here := cmd.Flags().Changed("data")
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "LINNET_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if f.Changed || !ok || f.Name == "help" || f.Name == "version" || here && f.Name == "server" && f.DefValue == "" {
			return
		}
		if err := cmd.Flags().Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	})
	if len(errs) > 0 {
		return fmt.Errorf("%w; %w", errors.Join(errs...), errUsage)
	}
	return nil
}

// dataFolder is where the platform keeps such things.
func dataFolder() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "linnet-data"
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "linnet")
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "linnet")
	}
	return filepath.Join(home, ".local", "share", "linnet")
}
