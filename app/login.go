package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/login/token"
	"github.com/linnet-project/linnet/release"
)

func (p *process) login() *cobra.Command {
	var server, caFile string
	cmd := &cobra.Command{
		Use: "login", Short: "Log in to a server with a browser, and keep a token for this machine's user", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.logIn(cmd.Context(), server, caFile) },
	}
	cmd.Flags().StringVar(&server, "server", "", "URL of the server")
	trustFlag(cmd.Flags(), &caFile)
	must(cmd.MarkFlagRequired("server"))
	return cmd
}

func (p *process) logout() *cobra.Command {
	var server, caFile string
	cmd := &cobra.Command{
		Use: "logout", Short: "Revoke the token that login got, and forget it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.logOut(cmd.Context(), server, caFile) },
	}
	cmd.Flags().StringVar(&server, "server", "", "URL of the server")
	trustFlag(cmd.Flags(), &caFile)
	must(cmd.MarkFlagRequired("server"))
	return cmd
}

// slower is by how much an interval grows when a provider asks for it (RFC 8628).
const slower = 5 * time.Second

func (p *process) logIn(ctx context.Context, server, caFile string) error {
	r, err := newRemote(server, "", caFile)
	if err != nil {
		return err
	}
	kept, err := userCredentials()
	if err != nil {
		return err
	}
	var code login.DeviceCode
	if err := r.call(ctx, http.MethodPost, "/v1/login/device", struct{}{}, &code); err != nil {
		return err
	}
	// This is a question, not progress: --quiet does not hide it.
	fmt.Fprintf(p.err, "Open %s\nand enter the code %s there. Nobody else should: whoever finishes this login is who this machine is.\n", printable(code.Verify), printable(code.User))
	if code.VerifyCompleted != "" {
		fmt.Fprintf(p.err, "Or open %s\n", printable(code.VerifyCompleted))
	}
	got, err := waitForLogin(ctx, r, code)
	if err != nil {
		return err
	}
	ends, err := time.Parse(time.RFC3339, got.Ends)
	if err != nil {
		return fmt.Errorf("%s: no answer of a Linnet: %w: %w", r.server, err, release.ErrUnavailable)
	}
	if err := kept.change(func(all map[string]credential) { all[r.server] = credential{got.Token, got.Name, ends} }); err != nil {
		return err
	}
	p.say("logged in to %s as %s until %s", r.server, printable(got.Name), ends.Local().Format(time.DateTime))
	return nil
}

// waitForLogin asks until the person has answered, or the code has ended.
func waitForLogin(ctx context.Context, r *remote, code login.DeviceCode) (login.DeviceAnswer, error) {
	const longest = time.Hour
	ctx, cancel := context.WithTimeout(ctx, min(longest, time.Duration(code.Expires)*time.Second))
	defer cancel()
	interval := min(time.Minute, max(time.Second, time.Duration(code.Interval)*time.Second))
	for {
		t := time.NewTimer(interval)
		select {
		case <-ctx.Done():
			t.Stop()
			return login.DeviceAnswer{}, fmt.Errorf("nobody finished the login in time: begin again: %w", ctx.Err())
		case <-t.C:
		}
		var got login.DeviceAnswer
		err := r.call(ctx, http.MethodPost, "/v1/login/device/token", map[string]string{"device_code": code.Device}, &got)
		switch {
		case errors.Is(err, release.ErrUnavailable) && ctx.Err() == nil: // it may be back in time
		case err != nil:
			return login.DeviceAnswer{}, err
		case got.Pending == "":
			return got, nil
		case got.Pending == "slow_down":
			interval += slower
		}
	}
}

func (p *process) logOut(ctx context.Context, server, caFile string) error {
	kept, err := userCredentials()
	if err != nil {
		return err
	}
	all, err := kept.read()
	if err != nil {
		return err
	}
	server = strings.TrimSuffix(server, "/")
	have, ok := all[server]
	if !ok {
		return fmt.Errorf("not logged in to %s (%s): %w", server, kept.path, release.ErrNotFound)
	}
	r, err := newRemote(server, have.Token, caFile)
	if err != nil {
		return err
	}
	t, err := token.Parse(have.Token)
	if err == nil {
		err = r.call(ctx, http.MethodDelete, "/v1/tokens/"+t.ID, nil, nil)
	}
	// Forgotten in any case: what is not here cannot be stolen from here.
	if err := kept.change(func(all map[string]credential) { delete(all, server) }); err != nil {
		return err
	}
	if err != nil {
		fmt.Fprintf(p.err, "linnet: the token is forgotten here, but was not revoked at the server: %s\n", release.Plain(err))
		return exit(exitError)
	}
	p.say("logged out of %s", server)
	return nil
}

// localUser is the user whom whoever uses this machine acts for.
func localUser() string { return strings.ReplaceAll(person(), ":", "_") }

// hostName is what a token made here is called after.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "this machine"
	}
	return name
}
