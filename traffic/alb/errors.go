package alb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go"

	"github.com/linnet-project/linnet/release"
)

// What AWS' error codes mean. A code of neither list is release.ErrInvalid,
// unless AWS says that the fault is its own.
var (
	notThere  = []string{"RuleNotFound", "ListenerNotFound", "TargetGroupNotFound", "LoadBalancerNotFound"}
	contested = []string{"ResourceInUse", "PriorityInUse"}
	denied    = []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "NotAuthorized", "OptInRequired"}
	refused   = []string{
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException",
	}
	later = []string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequests", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "PriorRequestNotComplete",
		"HealthUnavailable", "InternalFailure", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeoutException",
	}
)

// options are those of one call.
type options = func(*elb.Options)

// noting remembers what went wrong with the last try, which the SDK forgets
// where the time runs out before the next.
type noting struct {
	aws.RetryerV2
	last error
}

// IsErrorRetryable says whether another try may help.
func (n *noting) IsErrorRetryable(err error) bool {
	n.last = err
	return n.RetryerV2.IsErrorRetryable(err)
}

// call does one call of the API, all its tries together within callWait, and
// gives its error a meaning. What names what is asked about.
func (r *Router) call(ctx context.Context, operation, what string, do func(context.Context, options) error) error {
	late := fmt.Errorf("no answer within %s", callWait)
	ctx, cancel := context.WithTimeoutCause(ctx, callWait, late)
	defer cancel()
	note := &noting{RetryerV2: r.retryer()}
	err := do(ctx, func(o *elb.Options) { o.Retryer = note })
	if err == nil {
		return nil
	}
	where := what + ": " + operation
	if cause := context.Cause(ctx); cause != nil {
		if note.last != nil && !errors.Is(note.last, ctx.Err()) {
			where += ": " + r.clean(root(note.last))
		}
		return fmt.Errorf("%s: %w: %w", where, cause, release.ErrUnavailable)
	}
	if said := (smithy.APIError)(nil); errors.As(err, &said) {
		return r.meaning(where, err, said)
	}
	switch status := statusOf(err); {
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return fmt.Errorf("%s: status %d, in no form of the ELBv2 API; is the endpoint its: %w", where, status, release.ErrInvalid)
	case status != 0:
		return fmt.Errorf("%s: status %d, and an answer that cannot be read: %w", where, status, release.ErrUnavailable)
	}
	return fmt.Errorf("%s: %s: %w", where, r.clean(root(err)), release.ErrUnavailable)
}

// statusOf is that of the answer, 0 where there was none.
func statusOf(err error) int {
	if got := (*awshttp.ResponseError)(nil); errors.As(err, &got) {
		return got.HTTPStatusCode()
	}
	return 0
}

// meaning turns what AWS says into one of the meanings of release.
func (r *Router) meaning(where string, err error, said smithy.APIError) error {
	code := said.ErrorCode()
	action := actionOf(err)
	text := fmt.Sprintf("%s: %.100s", where, code)
	if message := said.ErrorMessage(); message != "" && !slices.Contains(refused, code) {
		text += ": " + r.clean(message)
	}
	if got := (*awshttp.ResponseError)(nil); errors.As(err, &got) && got.ServiceRequestID() != "" {
		text += fmt.Sprintf(" (request %.60s)", got.ServiceRequestID())
	}
	status := statusOf(err)
	switch {
	case slices.Contains(notThere, code):
		return fmt.Errorf("%s: %w", text, release.ErrNotFound)
	case slices.Contains(contested, code):
		return fmt.Errorf("%s: %w", text, release.ErrConflict)
	case slices.Contains(later, code), status >= 500, status == http.StatusTooManyRequests, said.ErrorFault() == smithy.FaultServer:
		return fmt.Errorf("%s: %w", text, release.ErrUnavailable)
	case slices.Contains(denied, code):
		return fmt.Errorf("%s; allow it %s: %w", text, action, release.ErrInvalid)
	case slices.Contains(refused, code):
		return fmt.Errorf("%s: AWS refuses the credentials for %s; renew them, and see that the clock is right: %w", text, action, release.ErrInvalid)
	}
	return fmt.Errorf("%s: %w", text, release.ErrInvalid)
}

// actionOf names what was asked for as a policy does: the innermost operation,
// since taking on a role comes before.
func actionOf(err error) string {
	name := "the call"
	for o := (*smithy.OperationError)(nil); errors.As(err, &o); err = o.Err {
		service := "elasticloadbalancing"
		if o.Service() == "STS" {
			service = "sts"
		}
		name = service + ":" + o.Operation()
	}
	return name
}

// root is what went wrong, without the SDK's words around it.
func root(err error) string {
	if said := (smithy.APIError)(nil); errors.As(err, &said) {
		return said.ErrorCode()
	}
	if strings.Contains(err.Error(), "get identity:") {
		return "there are no AWS credentials: " + err.Error()
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.URL + ": " + u.Err.Error()
	}
	return err.Error()
}

// maxMessage bounds what is shown of AWS' words, in bytes.
const maxMessage = 500

// secretive is what looks like an access key's id, or a signature.
var secretive = regexp.MustCompile(`\bA[KS]IA[A-Z0-9]{12,}|[A-Za-z0-9+=]{60,}`)

// clean makes text from elsewhere fit for a message: short, and without
// credentials.
func (r *Router) clean(text string) string {
	for _, k := range r.keys {
		keys := k.last.Load()
		if keys == nil {
			continue
		}
		for _, secret := range []string{keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken} {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, "…")
			}
		}
	}
	text = secretive.ReplaceAllString(text, "…")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
