package albtest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// session holds the credentials of a role that was taken on.
type session struct {
	secret, token string
	until         time.Time
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// signed checks that a request is signed with credentials that are known, for
// this region and service.
func (s *Server) signed(r *http.Request, payload []byte, service string) error {
	given := r.Header.Get("Authorization")
	if given == "" {
		return &refusal{code: "MissingAuthenticationToken", message: "Request is missing Authentication Token", status: http.StatusForbidden}
	}
	m := authorization.FindStringSubmatch(given)
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if m == nil || err != nil {
		return &refusal{code: "IncompleteSignature", message: "the Authorization header or the date is not complete: " + given, status: http.StatusForbidden}
	}
	if m[3] != Region || m[4] != service {
		return &refusal{code: "SignatureDoesNotMatch", message: "Credential should be scoped to a valid region and service", status: http.StatusForbidden}
	}
	keys, err := s.keys(m[1], r.Header.Get("X-Amz-Security-Token"), service)
	if err != nil {
		return err
	}
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), nil)
	if err != nil {
		return validation("the address cannot be read")
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
	if err := v4.NewSigner().SignHTTP(r.Context(), keys, again, hex.EncodeToString(sum[:]), service, Region, at); err != nil {
		return validation("the request cannot be signed")
	}
	if again.Header.Get("Authorization") != given {
		return &refusal{code: "SignatureDoesNotMatch", message: "The request signature we calculated does not match the signature you provided", status: http.StatusForbidden}
	}
	return nil
}

// keys are the credentials of an access key, where they may do this.
func (s *Server) keys(id, token, service string) (aws.Credentials, error) {
	if id == s.config.AccessKey && token == "" {
		if s.config.Role != "" && service == elbService {
			return aws.Credentials{}, &refusal{code: "AccessDenied", message: "only " + s.config.Role + " is authorized", status: http.StatusForbidden}
		}
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: s.config.SecretKey}, nil
	}
	held, ok := s.sessions[id]
	switch {
	case !ok || held.token != token:
		return aws.Credentials{}, &refusal{code: "InvalidClientTokenId", message: "The security token included in the request is invalid", status: http.StatusForbidden}
	case s.config.Now().After(held.until):
		return aws.Credentials{}, &refusal{code: "ExpiredToken", message: "The security token included in the request is expired", status: http.StatusForbidden}
	}
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: held.secret, SessionToken: held.token}, nil
}

// assumeRole gives out credentials of the role.
func (s *Server) assumeRole(in *node) (*node, error) {
	role := in.say("RoleArn")
	if role != s.config.Role || s.config.ExternalID != in.say("ExternalId") {
		return nil, &refusal{code: "AccessDenied", message: "not authorized to perform: sts:AssumeRole on resource: " + role, status: http.StatusForbidden}
	}
	s.made++
	id := "ASIA" + strings.ToUpper(s.id())
	held := session{secret: "secret-of-" + s.id(), token: strings.Repeat("token-"+s.id()+"/", 8), until: s.config.Now().Add(time.Hour)}
	s.sessions[id] = held
	return object(map[string]*node{
		"Credentials": object(map[string]*node{
			"AccessKeyId": words(id), "SecretAccessKey": words(held.secret), "SessionToken": words(held.token),
			"Expiration": words(held.until.UTC().Format(time.RFC3339)),
		}),
		"AssumedRoleUser": object(map[string]*node{"AssumedRoleId": words("AROA:" + in.say("RoleSessionName")), "Arn": words(role)}),
	}), nil
}
