package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/linnet-project/linnet/secret"
)

// authorize adds credentials and headers to a request, and gives the secrets
// among them.
func (w *Client) authorize(ctx context.Context, r *http.Request) (secrets []string, err error) {
	c := &w.config
	for name, value := range c.Headers {
		r.Header.Set(name, value)
	}
	for name, file := range c.SecretHeaders {
		value, err := w.secret("the file of header "+name, file)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, value)
		if scheme := c.Schemes[name]; scheme != "" {
			value = strings.ReplaceAll(scheme, "{}", value)
		}
		r.Header.Set(name, value)
	}
	switch {
	case w.tokens != nil:
		token, err := w.tokens.get(ctx)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return append(secrets, token), nil
	case c.BearerTokenFile != "":
		token, err := w.secret("bearerTokenFile", c.BearerTokenFile)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return append(secrets, token), nil
	case c.Username == "":
		return secrets, nil
	}
	password := w.password
	if c.PasswordFile != "" {
		if password, err = w.secret("passwordFile", c.PasswordFile); err != nil {
			return nil, err
		}
	}
	r.SetBasicAuth(c.Username, password)
	_, login, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return append(secrets, password, login), nil // a server repeats the one as well as the other
}

func (w *Client) secret(field, path string) (string, error) {
	text, err := oneLine(field, path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", w.api.Name, err)
	}
	return text, nil
}

// oneLine reads a small file of one line.
func oneLine(field, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", invalid("%s: %v", field, err)
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	n, err := f.Read(buf)
	text := strings.TrimSpace(string(buf[:n]))
	if text == "" {
		return "", invalid("%s %s is empty (%v)", field, path, err)
	}
	if strings.ContainsAny(text, "\r\n") {
		return "", invalid("%s %s must hold one line", field, path)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return "", invalid("%s %s holds a control character, which no request can carry", field, path)
	}
	return text, nil
}

// credential names what the requests are authorized with, never its value.
func (w *Client) credential() string {
	c := &w.config
	switch {
	case w.tokens != nil:
		return w.tokens.String()
	case c.BearerTokenFile != "":
		return "the bearer token of " + c.BearerTokenFile
	case c.PasswordFile != "":
		return fmt.Sprintf("user %s with the password of %s", c.Username, c.PasswordFile)
	case w.hasPassword:
		return fmt.Sprintf("user %s with the password of the url", c.Username)
	case c.Username != "":
		return fmt.Sprintf("user %s without a password", c.Username)
	case len(c.SecretHeaders) > 0:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(c.SecretHeaders)) {
			all = append(all, name+" of "+c.SecretHeaders[name])
		}
		return strings.Join(all, " and ")
	case c.CertFile != "":
		return "the client certificate of " + c.CertFile
	}
	return "no credential (bearerTokenFile or basicAuth would give one)"
}

// Hidden is what a server said, in an answer that was read, without the secrets
// that it was sent: some repeat whole requests.
func (w *Client) Hidden(text string) string {
	secrets, _ := w.sent.Load().([]string)
	return secret.Told(text, secrets)
}

// HiddenIn is an error with such a text, which keeps its meaning.
func (w *Client) HiddenIn(err error) error {
	if err == nil {
		return nil
	}
	if text := w.Hidden(err.Error()); text != err.Error() {
		return hidden{error: err, text: text}
	}
	return err
}

type hidden struct {
	error
	text string
}

func (h hidden) Error() string { return h.text }

func (h hidden) Unwrap() error { return h.error }
