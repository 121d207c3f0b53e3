// Package awstest is what servers of AWS' APIs in tests have in common: who may
// ask, by signatures, by credentials that run out, and by roles.
package awstest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Guard knows who may ask. Whoever uses it lets one ask at a time.
type Guard struct {
	// AccessKey and SecretKey are the credentials that it takes.
	AccessKey, SecretKey string
	// Role may be taken on with these credentials, and ExternalID where it is set;
	// only with those of the role anything but that may be asked then.
	Role, ExternalID string
	// Region is the one that requests must be signed for.
	Region string
	// Now is the time, by which credentials end.
	Now func() time.Time

	sessions map[string]Session
}

// Refusal is an error of an API; Status 0 means 400.
type Refusal struct {
	Code, Message string
	Status        int
}

// Error implements error.
func (r *Refusal) Error() string { return r.Code + ": " + r.Message }

// Session holds the credentials of a role that was taken on.
type Session struct {
	ID, Secret, Token string
	Until             time.Time
}

// STS is the service that gives out roles, as signatures name it.
const STS = "sts"

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// Signed checks that a request is signed with credentials that are known, for
// the region and a service.
func (g *Guard) Signed(r *http.Request, payload []byte, service string) *Refusal {
	given := r.Header.Get("Authorization")
	if given == "" {
		return &Refusal{"MissingAuthenticationToken", "Request is missing Authentication Token", http.StatusForbidden}
	}
	m := authorization.FindStringSubmatch(given)
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if m == nil || err != nil {
		return &Refusal{"IncompleteSignature", "the Authorization header or the date is not complete: " + given, http.StatusForbidden}
	}
	if m[3] != g.Region || m[4] != service {
		return &Refusal{"SignatureDoesNotMatch", "Credential should be scoped to a valid region and service", http.StatusForbidden}
	}
	keys, refused := g.keys(m[1], r.Header.Get("X-Amz-Security-Token"), service)
	if refused != nil {
		return refused
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return &Refusal{"ValidationError", "the address cannot be read", 0}
	}
	for _, name := range strings.Split(m[5], ";") {
		switch name {
		case "host", "x-amz-date", "x-amz-security-token":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	sum := sha256.Sum256(payload)
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(sum[:]), service, g.Region, at); err != nil {
		return &Refusal{"ValidationError", "the request cannot be signed", 0}
	}
	if again.Header.Get("Authorization") != given {
		return &Refusal{"SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided", http.StatusForbidden}
	}
	return nil
}

// keys are the credentials of an access key, where they may do this.
func (g *Guard) keys(id, token, service string) (aws.Credentials, *Refusal) {
	if id == g.AccessKey && token == "" {
		if g.Role != "" && service != STS {
			return aws.Credentials{}, &Refusal{"AccessDenied", "only " + g.Role + " is authorized", http.StatusForbidden}
		}
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: g.SecretKey}, nil
	}
	held, ok := g.sessions[id]
	switch {
	case !ok || held.Token != token:
		return aws.Credentials{}, &Refusal{"InvalidClientTokenId", "The security token included in the request is invalid", http.StatusForbidden}
	case g.Now().After(held.Until):
		return aws.Credentials{}, &Refusal{"ExpiredToken", "The security token included in the request is expired", http.StatusForbidden}
	}
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: held.Secret, SessionToken: held.Token}, nil
}

// Assume gives out credentials of the role.
func (g *Guard) Assume(role, externalID string) (Session, *Refusal) {
	if role != g.Role || g.ExternalID != externalID {
		return Session{}, &Refusal{"AccessDenied", "not authorized to perform: sts:AssumeRole on resource: " + role, http.StatusForbidden}
	}
	if g.sessions == nil {
		g.sessions = map[string]Session{}
	}
	n := fmt.Sprintf("%016X", 0x50dc6c495c0c0000+len(g.sessions))
	held := Session{ID: "ASIA" + n, Secret: "secret-of-" + n, Token: strings.Repeat("token-"+n+"/", 8), Until: g.Now().Add(time.Hour)}
	g.sessions[held.ID] = held
	return held, nil
}
