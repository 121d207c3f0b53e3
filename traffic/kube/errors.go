package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/linnet-project/linnet/release"
)

// failure gives an error of the API the meaning it has at our border, and says
// what was tried on what. The context is the caller's own.
func (o *Object) failure(ctx context.Context, verb string, err error) error {
	what := o.String()
	if verb == "list" {
		what = fmt.Sprintf("%s in namespace %s", o.resource.GroupResource(), o.namespace)
	}
	hint, meaning := o.meaning(verb, err)
	text := verb + " " + what + ": " + bounded(said(err))
	if hint != "" {
		text += "; " + hint
	}
	return &failed{text: text + ": " + meaning.Error(), meaning: meaning, cause: ctx.Err()}
}

// strictly begins what an API server says of fields that it does not know, after
// the whole object.
const strictly = "strict decoding error: "

// said is what an error says.
func said(err error) string {
	if _, unknown, ok := strings.Cut(err.Error(), strictly); ok {
		return "the cluster's kind is older than what is to be set: " + unknown
	}
	return err.Error()
}

// failed is an error with its meaning. Where the caller gave up, its context's
// own error is kept, so that it can tell that from a cluster that is too slow.
type failed struct {
	text           string
	meaning, cause error
}

func (f *failed) Error() string { return f.text }

func (f *failed) Unwrap() []error {
	if f.cause == nil {
		return []error{f.meaning}
	}
	return []error{f.meaning, f.cause}
}

// meaning sorts what an API server can answer, and what can happen on the way.
func (o *Object) meaning(verb string, err error) (hint string, meaning error) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		// Nobody answered: the network, TLS, or the credentials' own program.
		return "", release.ErrUnavailable
	}
	said := status.Status()
	switch code := said.Code; {
	case code == http.StatusNotFound:
		if apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) {
			return fmt.Sprintf("does the cluster serve %s?", o.resource), release.ErrNotFound
		}
		return "", release.ErrNotFound
	case code == http.StatusConflict || changedSince(said):
		return "somebody changed it since it was read", release.ErrConflict
	case code == http.StatusForbidden && strings.Contains(said.Message, " cannot "+verb+" resource "):
		// So says whoever grants rights; admission refuses with the same code,
		// and no right would help.
		return "needs the right: " + o.rule(verb).String(), release.ErrInvalid
	case code == http.StatusUnauthorized:
		return "the cluster does not know our credentials", release.ErrInvalid
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500 || code == 0:
		if seconds, told := apierrors.SuggestsClientDelay(err); told && seconds > 0 {
			return fmt.Sprintf("it asks to wait %d s", seconds), release.ErrUnavailable
		}
		return "", release.ErrUnavailable
	case code == http.StatusGone:
		return "", release.ErrUnavailable
	}
	return "", release.ErrInvalid
}

// changedSince tells a test operation that failed from an object that is
// refused: both are answered with 422, but only of the latter's details name
// what was refused.
func changedSince(said metav1.Status) bool {
	return said.Code == http.StatusUnprocessableEntity && !strings.Contains(said.Message, strictly) &&
		(said.Details == nil || said.Details.Kind == "" && said.Details.Name == "")
}

// rule is the right that a verb needs.
func (o *Object) rule(verb string) Rule {
	r := Rule{Group: o.resource.Group, Resource: o.resource.Resource, Names: []string{o.name}, Verbs: []string{verb}}
	if verb == "list" {
		r.Names = nil
	}
	return r
}

// bounded keeps what others say short and on one line.
func bounded(text string) string {
	const most = 400
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}
