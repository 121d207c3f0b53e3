package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

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

// maxSkew is by how much clocks may differ before it is said.
const maxSkew = 30 * time.Second

// remarks collects warnings, each once.
type remarks []string

func (r *remarks) add(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(*r, text) {
		*r = append(*r, text)
	}
}

// clock remarks on a clock that is far from ours.
func (r *remarks) clock(answer middleware.Metadata) {
	if skew, ok := awsmiddleware.GetAttemptSkew(answer); ok && skew.Abs() > maxSkew && !strings.Contains(strings.Join(*r, " "), "clock") {
		r.add("the clock of AWS differs from ours by %s; windows are by ours", skew.Round(time.Second))
	}
}
