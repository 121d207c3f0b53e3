package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// Observe answers q from CloudWatch's metrics, or from logs where it has a query.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	late := fmt.Errorf("no whole answer within %s", s.config.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.Timeout, late)
	defer cancel()
	if q.Metric.Query != "" {
		return s.observeLogs(ctx, q)
	}
	return s.observeMetrics(ctx, q)
}

// span is the whole periods that may end in the windows of a query.
func span(windows []release.Window, period time.Duration) release.Window {
	if len(windows) == 0 {
		return release.Window{}
	}
	return release.Window{From: windows[0].From.Truncate(period), To: windows[len(windows)-1].To.Truncate(period)}
}

// remarks collects warnings, each once.
type remarks struct {
	said []string
	// clockSaid keeps what may differ from page to page to one warning.
	clockSaid bool
}

func (r *remarks) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.said, text) {
		r.said = append(r.said, text)
	}
}

// clock remarks on a clock that is too far from ours for windows of a length.
func (r *remarks) clock(answer middleware.Metadata, window time.Duration) {
	skew, ok := awsmiddleware.GetAttemptSkew(answer)
	if text := (web.Clock{Ahead: skew}).Warning(window); ok && text != "" && !r.clockSaid {
		r.add("%s", text)
		r.clockSaid = true
	}
}
