package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/api"
)

// Bounds on one request. A stream lifts its own by http.ResponseController.
const (
	requestHeaders = 64 << 10
	requestWait    = 30 * time.Second
	answerWait     = 60 * time.Second
)

// openHTTP begins to answer. Requests under way when the server is to stop are
// finished, for a while; a stream ends by the context that its part was opened
// with.
func (s *serving) openHTTP(ctx context.Context) (func() error, error) {
	handler := api.Around(s.mux)
	for _, wrap := range s.around {
		handler = wrap(handler)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: requestWait, WriteTimeout: answerWait,
		IdleTimeout: idleTime, MaxHeaderBytes: requestHeaders, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.group.Go(func() error {
		if err := server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	s.group.Go(func() error {
		<-ctx.Done()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		if server.Shutdown(short) != nil {
			return server.Close()
		}
		return nil
	})
	return nil, nil
}
