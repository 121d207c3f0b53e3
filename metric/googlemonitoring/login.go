package googlemonitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/linnet-project/linnet/release"
)

// scope is all that reading needs.
const scope = "https://www.googleapis.com/auth/monitoring.read"

const maxFile = 1 << 20

// login gets tokens by a file of credentials, or the machine's own.
type login struct {
	file    string
	timeout time.Duration
	now     func() time.Time
}

// needs is what an account must be allowed, for errors.
const needs = "(it needs monitoring.timeSeries.list on the project, as in roles/monitoring.viewer)"

// String implements fmt.Stringer.
func (l login) String() string {
	if file := l.path(); file != "" {
		return "the credentials of " + file + " " + needs
	}
	return "the machine's own service account " + needs
}

// path is the file of credentials; "" where there is none.
func (l login) path() string {
	if l.file != "" {
		return l.file
	}
	if file := os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"); file != "" {
		return file
	}
	folder, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	file := filepath.Join(folder, ".config", "gcloud", "application_default_credentials.json")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// Token implements web.Tokens. The file is read each time, so that it can be
// rotated.
func (l login) Token(ctx context.Context) (*oauth2.Token, error) {
	line := &line{ctx: ctx, next: http.DefaultTransport}
	client := &http.Client{Timeout: l.timeout, Transport: line}
	file := l.path()
	if file == "" {
		return machineToken(ctx, client, l.now)
	}
	text, err := read(file)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Type google.CredentialsType `json:"type"`
	}
	if err := json.Unmarshal(text, &kind); err != nil || kind.Type == "" {
		return nil, invalid("googleMonitoring: %s holds no credentials of Google's, which are JSON with a type", file)
	}
	found, err := google.CredentialsFromJSONWithType(context.WithValue(ctx, oauth2.HTTPClient, client), text, kind.Type, scope)
	if err != nil {
		return nil, invalid("googleMonitoring: %s holds no credentials of the type %.60q that can be used", file, kind.Type)
	}
	token, err := found.TokenSource.Token()
	if err != nil {
		return nil, line.refused(file, err)
	}
	return token, nil
}

// read reads a file of credentials.
func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, invalid("googleMonitoring: credentialsFile: %v", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, invalid("googleMonitoring: credentialsFile: %v", err)
	}
	return text, nil
}

// line sends requests of a client that knows no contexts with one, and remembers
// an answer that broke off.
type line struct {
	ctx    context.Context
	next   http.RoundTripper
	broken error
}

// RoundTrip implements http.RoundTripper.
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	got, err := l.next.RoundTrip(r.WithContext(l.ctx))
	if err == nil {
		got.Body = &body{got.Body, l}
	}
	return got, err
}

type body struct {
	io.ReadCloser
	line *line
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.line.broken = err
	}
	return n, err
}

// refused gives an error of Google's a meaning, without what it repeats.
func (l *line) refused(file string, err error) error {
	said, wrapped := (*oauth2.RetrieveError)(nil), (*url.Error)(nil)
	cause := context.Cause(l.ctx)
	switch {
	case cause != nil:
	case errors.As(err, &said) && said.Response != nil:
		status := said.Response.StatusCode
		if status < 500 && status != http.StatusTooManyRequests {
			return invalid("googleMonitoring: Google refuses the credentials of %s with %d; make a new key, and see that the clock is right", file, status)
		}
		cause = fmt.Errorf("status %d", status)
	case errors.As(err, &wrapped):
		cause = wrapped.Err
	case l.broken != nil:
		cause = l.broken
	default:
		return invalid("googleMonitoring: the credentials of %s give no token; is the file whole", file)
	}
	return fmt.Errorf("googleMonitoring: no token for the credentials of %s: %w: %w", file, cause, release.ErrUnavailable)
}

// machineToken asks the metadata server of a machine, container or function at
// Google's for the token of its account.
func machineToken(ctx context.Context, client *http.Client, now func() time.Time) (*oauth2.Token, error) {
	host := os.Getenv("GCE_METADATA_HOST")
	if host == "" {
		host = "169.254.169.254"
	}
	address := "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/token?" + url.Values{"scopes": {scope}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, invalid("googleMonitoring: GCE_METADATA_HOST is no host")
	}
	r.Header.Set("Metadata-Flavor", "Google")
	got, err := client.Do(r)
	if err != nil {
		if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("googleMonitoring: no credentialsFile is given, and there is no machine's account at %s: %w: %w", host, err, release.ErrUnavailable)
	}
	defer got.Body.Close()
	var said struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	switch err := json.NewDecoder(io.LimitReader(got.Body, maxFile)).Decode(&said); {
	case got.StatusCode >= 500 || got.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("googleMonitoring: the metadata server answers %d: %w", got.StatusCode, release.ErrUnavailable)
	case got.StatusCode != http.StatusOK || err != nil || said.AccessToken == "":
		return nil, invalid("googleMonitoring: the metadata server gives no token (%d); has the machine a service account with the scope %s", got.StatusCode, scope)
	}
	token := &oauth2.Token{AccessToken: said.AccessToken, TokenType: "Bearer"}
	if now != nil { // without a clock it is good until it is refused
		token.Expiry = now().Add(time.Duration(said.ExpiresIn) * time.Second)
	}
	return token, nil
}
