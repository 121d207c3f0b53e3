package spec

import (
	"strings"
	"time"
)

// Access is how a server is reached over HTTP, and with what credentials.
type Access struct {
	URL             string
	BearerTokenFile string
	Username        string
	PasswordFile    string
	OAuth2          *OAuth2
	Headers         map[string]string
	// SecretHeaders are the files that hold the values of headers.
	SecretHeaders map[string]string
	TLS
	Timeout time.Duration
}

// OAuth2 gets tokens by the grant of client credentials.
type OAuth2 struct {
	TokenURL, ClientID, ClientSecretFile string
	Scopes                               []string
	Params                               map[string]string
}

// oneLogin are the keys of loginKeys of which one may be there.
var oneLogin = [][]string{{"bearerTokenFile", "basicAuth", "oauth2"}}

// urlKey is the key of a server's URL. Paths are added to it, and so parameters
// cannot stand there; hint says where they belong.
func urlKey[T any](doc, sample, hint string, place func(*T) *Access) key[T] {
	return key[T]{name: "url", doc: doc, need: true, sample: sample,
		bind: at(func(t *T) *string { return &place(t).URL }, baseURL(hint))}
}

const noParams = "take out what begins with ? or #, which would not be sent"

func baseURL(hint string) *kind[string] {
	return &kind[string]{noun: httpURL.noun, pattern: `^https?://[^/?#@]+(/[^?#]*)?$`, secret: true, format: same, use: UseHost,
		parse: func(s string) (string, fault) {
			if s, bad := parseURL(s); bad != (fault{}) {
				return s, bad
			}
			if strings.ContainsAny(s, "?#") {
				return "", fault{"has parameters or a fragment", hint}
			}
			return s, fault{}
		}}
}

func loginKeys[T any](place func(*T) *Access) []key[T] {
	return []key[T]{
		{name: "bearerTokenFile", doc: "The file that holds the bearer token.",
			bind: at(func(t *T) *string { return &place(t).BearerTokenFile }, filePath)},
		{name: "basicAuth", doc: "A user and the file that holds the password.",
			bind: at(place, basicAuthKeys)},
		{name: "oauth2", doc: "Tokens by OAuth 2's grant of client credentials; each is used until it runs out.",
			bind: at(func(t *T) **OAuth2 { return &place(t).OAuth2 }, optional[OAuth2]{oauth2Keys})},
	}
}

func reachKeys[T any](place func(*T) *Access) []key[T] {
	return []key[T]{
		{name: "headers", doc: "Headers to send along, such as X-Scope-OrgID. No secrets: they would be in the file.",
			bind: at(func(t *T) *map[string]string { return &place(t).Headers }, texts(openHeader, headerValue, 0))},
		{name: "secretHeaders", doc: "Headers to send along whose values are secrets: the file that holds each.",
			bind: at(func(t *T) *map[string]string { return &place(t).SecretHeaders }, texts(headerName, filePath, 0))},
		{name: "tls", doc: "How the server's certificate is checked, and what is shown to it.",
			bind: at(func(t *T) *TLS { return &place(t).TLS }, tlsKeys)},
		{name: "timeout", doc: "How long a query may take.", def: "10s",
			bind: at(func(t *T) *time.Duration { return &place(t).Timeout }, between(durations, 100*time.Millisecond, 5*time.Minute))},
	}
}

var basicAuthKeys = &object[Access]{keys: []key[Access]{
	{name: "username", doc: "The user.", need: true, sample: "linnet",
		bind: at(func(a *Access) *string { return &a.Username }, freeText)},
	{name: "passwordFile", doc: "The file that holds the password.", need: true, sample: "/run/secrets/prometheus",
		bind: at(func(a *Access) *string { return &a.PasswordFile }, filePath)},
}}

var oauth2Keys = &object[OAuth2]{keys: []key[OAuth2]{
	{name: "tokenURL", doc: "Where tokens are given.", need: true, sample: "https://login.example.com/oauth2/token",
		bind: at(func(o *OAuth2) *string { return &o.TokenURL }, httpURL)},
	{name: "clientID", doc: "The client.", need: true, sample: "linnet",
		bind: at(func(o *OAuth2) *string { return &o.ClientID }, freeText)},
	{name: "clientSecretFile", doc: "The file that holds its secret.", need: true, sample: "/run/secrets/client",
		bind: at(func(o *OAuth2) *string { return &o.ClientSecretFile }, filePath)},
	{name: "scopes", doc: "The scopes to ask for.",
		bind: at(func(o *OAuth2) *[]string { return &o.Scopes }, &listOf[string]{item: freeText})},
	{name: "params", doc: "Parameters to send along, such as audience.",
		bind: at(func(o *OAuth2) *map[string]string { return &o.Params }, texts(paramName, freeText, 0))},
}}

// Pace is part of the form of sources that tell of stretches of time, some time
// after they are over.
type Pace struct {
	// Step is how long a stretch is, Lag how long after its end it is whole.
	Step, Lag time.Duration
}

func (p *Pace) pace() (grain, lag time.Duration) { return p.Step, p.Lag }

func paceKeys[T any](step, lag string, finest time.Duration, place func(*T) *Pace) []key[T] {
	return []key[T]{
		{name: "step", doc: "How long the stretches are that it tells one number of; whole seconds. `every` may not be shorter.", def: step,
			bind: at(func(t *T) *time.Duration { return &place(t).Step }, between(wholeSeconds, finest, time.Hour))},
		{name: "lag", doc: "How long after a moment its numbers are whole. `delay` may not be shorter.", def: lag,
			bind: at(func(t *T) *time.Duration { return &place(t).Lag }, between(durations, 0, day))},
	}
}

var (
	wholeSeconds = &kind[time.Duration]{noun: durations.noun, classes: durations.classes, pattern: durations.pattern, format: durations.format,
		parse: func(text string) (time.Duration, fault) {
			d, bad := parseDuration(text)
			if bad == (fault{}) && d%time.Second != 0 {
				return 0, fault{"is not whole seconds", "write whole seconds such as 15s"}
			}
			return d, bad
		}}
	paramName = &kind[string]{noun: "a parameter's name", pattern: "^.{1,200}$", parse: parseText, format: same}
	// openParam is a parameter whose value stands in the file.
	openParam = &kind[string]{noun: paramName.noun, pattern: paramName.pattern, parse: parseOpenParam, format: same}
	hostName  = &kind[string]{noun: "a host's name", pattern: `^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`,
		parse: parseHost, format: same}
	accountNumber = &kind[string]{noun: "a number", pattern: "^[0-9]{1,18}$", parse: parseDigits, format: same}
)

// parseOpenParam refuses the names that keys and passwords go by.
func parseOpenParam(s string) (string, fault) {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s)) {
	case "apikey", "appkey", "accesskey", "token", "accesstoken", "authtoken", "password", "passwd", "secret", "clientsecret":
		return "", fault{"would put a secret into the file, and into records and logs", "send it in a header whose value comes from a file (secretHeaders)"}
	}
	return paramName.parse(s)
}

func parseHost(s string) (string, fault) {
	const hint = "write one such as datadoghq.eu"
	for i, r := range s {
		inner := i > 0 && i < len(s)-1 && (r == '.' || r == '-')
		if !inner && !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return "", fault{"is not a host's name", hint}
		}
	}
	if s == "" || len(s) > 253 {
		return "", fault{"is not a host's name", hint}
	}
	return s, fault{}
}

func parseDigits(s string) (string, fault) {
	for _, r := range s {
		if r < '0' || r > '9' {
			return "", fault{"is not a number", "write digits only"}
		}
	}
	if s == "" || len(s) > 18 {
		return "", fault{"is not a number", "write at most 18 digits"}
	}
	return s, fault{}
}
