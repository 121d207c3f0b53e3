package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/release"
)

// ErrCrashed is how Serve ends for a version with the fault Crash.
var ErrCrashed = errors.New("the service crashed, as it was told to")

// shutdownTime is how long answers in flight may take when the service ends.
const shutdownTime = 2 * time.Second

// Serve runs the service on config.Listen until the context ends (nil), or
// until it crashes (ErrCrashed), so that a process around it can exit with its
// error. It calls ready, which may be nil, with its address once it listens.
func Serve(ctx context.Context, config Config, ready func(address string)) error {
	s, err := newService(config)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return fmt.Errorf("demo service: %w: %w", err, release.ErrUnavailable)
	}
	server := &http.Server{
		Handler:           s.mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	if ready != nil {
		ready(listener.Addr().String())
	}
	return s.wait(ctx, server, ended)
}

// wait ends the server when the context or the service ends, and returns when
// it has.
func (s *service) wait(ctx context.Context, server *http.Server, ended <-chan error) error {
	select {
	case err := <-ended:
		return fmt.Errorf("demo service: %w", err)
	case <-s.crashed:
		server.Close()
		<-ended
		return ErrCrashed
	case <-ctx.Done():
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if server.Shutdown(short) != nil {
		server.Close()
	}
	<-ended
	return nil
}
