package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/spec"
)

// errUnproved is what nobody is told more of than this.
var errUnproved = errors.New("the delivery is not proved by the secret of this hook")

// clockOff is how far the time of a signed delivery may lie from ours.
const clockOff = 5 * time.Minute

// The headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// proof is what proves a delivery.
type proof struct {
	form    string
	headers http.Header
	body    []byte
	now     time.Time
}

// carries tells whether a request has what its form is proved by, before its body
// is read.
func carries(form string, h http.Header) bool {
	return map[string]bool{
		spec.FormStandard: h.Get(headerSignature) != "" && h.Get(headerID) != "" && h.Get(headerTimestamp) != "",
		spec.FormGitHub:   h.Get("X-Hub-Signature-256") != "",
		spec.FormGitLab:   h.Get("X-Gitlab-Token") != "",
		spec.FormBearer:   h.Get("Authorization") != "",
	}[form]
}

// check gives what tells this delivery from all others, or why it is not taken:
// errUnproved, or a time that is off.
func (p proof) check(secrets []string) (nonce string, err error) {
	proved := false
	for _, s := range secrets {
		proved = p.by(s) || proved
	}
	if !proved {
		return "", errUnproved
	}
	if p.form != spec.FormStandard {
		// These carry no time, and their id is not signed; what is signed, or the
		// whole of it, is the body.
		sum := sha256.Sum256(p.body)
		return hex.EncodeToString(sum[:]), nil
	}
	at, err := strconv.ParseInt(p.headers.Get(headerTimestamp), 10, 64)
	if off := p.now.Sub(time.Unix(at, 0)).Abs(); err != nil || off > clockOff {
		return "", fmt.Errorf("the delivery was signed more than %s from now: are both clocks right, or is it an old one sent again?", clockOff)
	}
	if nonce = p.headers.Get(headerID); len(nonce) > 200 {
		return "", fmt.Errorf("%s is longer than 200 bytes", headerID)
	}
	return nonce, nil
}

// by tells whether a secret proves the delivery. Every comparison takes the same
// time whatever is given.
func (p proof) by(secret string) bool {
	switch p.form {
	case spec.FormGitHub:
		given, err := hex.DecodeString(strings.TrimPrefix(p.headers.Get("X-Hub-Signature-256"), "sha256="))
		return err == nil && hmac.Equal(given, mac([]byte(secret), p.body))
	case spec.FormGitLab:
		return equal(p.headers.Get("X-Gitlab-Token"), secret)
	case spec.FormBearer:
		given := p.headers.Get("Authorization")
		return equal(strings.TrimPrefix(given, "Bearer "), secret) || equal(given, secret)
	case spec.FormStandard:
		want := signature(secret, p.headers.Get(headerID), p.headers.Get(headerTimestamp), p.body)
		proved := false
		for i, given := range strings.Fields(p.headers.Get(headerSignature)) {
			proved = i < 10 && equal(given, want) || proved
		}
		return proved
	}
	return false
}

// equal compares texts in a time that tells nothing of them.
func equal(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}

// signature is how Standard Webhooks signs: an HMAC over id, time and body, by a
// key that may be written as whsec_ and base64.
func signature(secret, id, timestamp string, body []byte) string {
	key := []byte(secret)
	if rest, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if decoded, err := base64.StdEncoding.DecodeString(rest); err == nil {
			key = decoded
		}
	}
	return "v1," + base64.StdEncoding.EncodeToString(mac(key, []byte(id+"."+timestamp+"."), body))
}

// sign puts the headers of Standard Webhooks onto a request.
func sign(h http.Header, secret, id string, now time.Time, body []byte) {
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set(headerID, id)
	h.Set(headerTimestamp, at)
	h.Set(headerSignature, signature(secret, id, at, body))
}
