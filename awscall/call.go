package awscall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// What the error codes of all of AWS mean. A code that is in no list is
// release.ErrInvalid, unless AWS says that the fault is its own.
var (
	denied = []string{
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "NotAuthorized", "NotAuthorizedException", "OptInRequired",
	}
	refused = []string{
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException",
		"AuthFailure", "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException",
		"MissingAuthenticationToken", "MissingAuthenticationTokenException",
	}
	later = []string{
		"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
		"TooManyRequests", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "PriorRequestNotComplete",
		"InternalFailure", "InternalError", "InternalServiceFault", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException",
		"RequestTimeout", "RequestTimeoutException",
	}
)

// API is one service of AWS, as errors are to tell of it.
type API struct {
	// Name is the API's, as in "the ELBv2 API".
	Name string
	// Prefix is what its actions begin with in a policy.
	Prefix string
	// NotThere, Contested and Later are error codes of its own that mean
	// release.ErrNotFound, ErrConflict and ErrUnavailable.
	NotThere, Contested, Later []string
	// Wait bounds all tries of a call together.
	Wait time.Duration
	// Patience is for how long the service may ask us to wait before another try;
	// 0 where that is not heeded.
	Patience time.Duration
	// Retryer decides on the tries of one call.
	Retryer func() aws.RetryerV2
	// Strange is what an answer in no form of the API means: that another try may
	// help, or that nobody of that name lives there.
	Strange error
	// Keys are taken out of what errors say.
	Keys Keys
}

// noting remembers what went wrong with the last try, which the SDK forgets
// where the time runs out before the next.
type noting struct {
	aws.RetryerV2
	patience time.Duration
	last     error
}

// IsErrorRetryable says whether another try may help.
func (n *noting) IsErrorRetryable(err error) bool {
	n.last = err
	again := n.RetryerV2.IsErrorRetryable(err) || statusOf(err) == http.StatusTooManyRequests
	return again && (n.patience == 0 || asked(err) <= n.patience)
}

// RetryDelay is how long to wait for the next try.
func (n *noting) RetryDelay(attempt int, err error) (time.Duration, error) {
	pause, wrong := n.RetryerV2.RetryDelay(attempt, err)
	if n.patience > 0 {
		pause = max(pause, asked(err))
	}
	return pause, wrong
}

// asked is how long an answer asks us to wait, 0 where it does not say.
func asked(err error) time.Duration {
	got := (*awshttp.ResponseError)(nil)
	if !errors.As(err, &got) || got.Response == nil || got.Response.Response == nil {
		return 0
	}
	n, err := strconv.ParseUint(got.Response.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Call does one call of the API, all its tries together within Wait, and gives
// its error a meaning. What names what is asked about.
func (a *API) Call(ctx context.Context, operation, what string, do func(context.Context, aws.Retryer) error) error {
	late := fmt.Errorf("no answer within %s", a.Wait)
	ctx, cancel := context.WithTimeoutCause(ctx, a.Wait, late)
	defer cancel()
	note := &noting{RetryerV2: a.Retryer(), patience: a.Patience}
	err := do(ctx, note)
	if err == nil {
		return nil
	}
	where := what + ": " + operation
	if cause := context.Cause(ctx); cause != nil {
		if note.last != nil && !errors.Is(note.last, ctx.Err()) {
			where += ": " + a.Clean(root(note.last))
		}
		return fmt.Errorf("%s: %w: %w", where, cause, release.ErrUnavailable)
	}
	if said := (smithy.APIError)(nil); errors.As(err, &said) {
		return a.meaning(where, err, said)
	}
	var broken interrupted
	switch status := statusOf(err); {
	case errors.As(err, &broken):
		return fmt.Errorf("%s: the answer broke off: %w: %w", where, broken.error, release.ErrUnavailable)
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout:
		return fmt.Errorf("%s: status %d, in no form of the %s API; is the endpoint its: %w", where, status, a.Name, release.ErrInvalid)
	case status >= 200 && status < 300:
		return fmt.Errorf("%s: an answer in no form of the %s API, or one that is too long: %w", where, a.Name, a.Strange)
	case status != 0:
		return fmt.Errorf("%s: status %d, and an answer that cannot be read: %w", where, status, release.ErrUnavailable)
	}
	return fmt.Errorf("%s: %s: %w", where, a.Clean(root(err)), release.ErrUnavailable)
}

// statusOf is that of the answer, 0 where there was none.
func statusOf(err error) int {
	if got := (*awshttp.ResponseError)(nil); errors.As(err, &got) {
		return got.HTTPStatusCode()
	}
	return 0
}

// meaning turns what AWS says into one of the meanings of release.
func (a *API) meaning(where string, err error, said smithy.APIError) error {
	code := said.ErrorCode()
	action := a.actionOf(err)
	text := fmt.Sprintf("%s: %.100s", where, code)
	if message := said.ErrorMessage(); message != "" && !slices.Contains(refused, code) {
		text += ": " + a.Clean(message)
	}
	if got := (*awshttp.ResponseError)(nil); errors.As(err, &got) && got.ServiceRequestID() != "" {
		text += fmt.Sprintf(" (request %.60s)", got.ServiceRequestID())
	}
	status := statusOf(err)
	switch {
	case slices.Contains(a.NotThere, code):
		return fmt.Errorf("%s: %w", text, release.ErrNotFound)
	case slices.Contains(a.Contested, code):
		return fmt.Errorf("%s: %w", text, release.ErrConflict)
	case slices.Contains(later, code), slices.Contains(a.Later, code), status >= 500, status == http.StatusTooManyRequests, said.ErrorFault() == smithy.FaultServer:
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
func (a *API) actionOf(err error) string {
	name := "the call"
	for o := (*smithy.OperationError)(nil); errors.As(err, &o); err = o.Err {
		service := a.Prefix
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
	if status := statusOf(err); status != 0 {
		return fmt.Sprintf("status %d", status)
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

// Clean makes text from elsewhere fit for a message: short, and without
// credentials.
func (a *API) Clean(text string) string {
	var sent []string
	for _, k := range a.Keys {
		if keys := k.last.Load(); keys != nil {
			sent = append(sent, keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
		}
	}
	text = secretive.ReplaceAllString(secret.Told(text, sent), "***")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
