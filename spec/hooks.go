package spec

import (
	"strconv"
	"time"
)

// Hooks says who may announce versions, and to whom is sent what happens to
// releases.
type Hooks struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	In  []HookIn
	Out []HookOut
}

// HookIn takes announcements of new versions at /v1/hooks/<name>.
type HookIn struct {
	Name string
	// Form is how a delivery proves who sent it; see the constants.
	Form string
	// SecretFiles hold the secret; two while it is being changed.
	SecretFiles []string
	// When are CEL expressions that must all be true, or nothing is made. Each,
	// where set, is one that gives a list: a release is made for every entry.
	When []string
	Each string
	// Values fill the placeholders of Template, a file's path relative to the
	// file of the hooks.
	Values   []HookValue
	Template string
	// PerMinute bounds the deliveries taken.
	PerMinute int64
}

// HookValue is what fills one placeholder.
type HookValue struct {
	Name string
	// From is a CEL expression that gives text or a number.
	From string
	// Match, where set, is a regular expression for the whole of it; its first
	// group, where it has one, is the value. What does not match makes nothing.
	Match string
}

// The forms of deliveries, and what proves who sent them.
const (
	FormStandard = "standard" // Standard Webhooks: an HMAC over id, time and body
	FormGitHub   = "github"   // an HMAC over the body, in X-Hub-Signature-256
	FormGitLab   = "gitlab"   // the secret itself, in X-Gitlab-Token
	FormBearer   = "bearer"   // the secret itself, in Authorization: registries, Harbor
)

// HookOut is sent what happens to releases.
type HookOut struct {
	Name string
	URL  string
	// Form is CloudEvents or CDEvents, Mode how they are put into HTTP.
	Form, Mode string
	// Events are the kinds that are sent; empty for all. Services, Teams and
	// Environments narrow the releases; empty for all.
	Events                        []string
	Services, Teams, Environments []string
	// SigningFile holds the secret that deliveries are signed with, TokenFile a
	// bearer token; both may be empty.
	SigningFile, TokenFile string
	TLS                    TLS
	Timeout                time.Duration
	// GiveUp is how long an event is tried before it is left out.
	GiveUp time.Duration
}

// The forms and modes of what is sent.
const (
	CloudEvents = "cloudevents"
	CDEvents    = "cdevents"
	Structured  = "structured"
	Binary      = "binary"
)

// HookEvents are the kinds of events that can be sent.
func HookEvents() []string {
	return []string{"started", "advanced", "held", "stepped-back", "corrected", "awaiting-approval", "paused", "resumed",
		"refused", "promoted", "rolled-back", "finished"}
}

var hooksDocument = document[Hooks]{
	kind: "Hooks", title: "hooks: announcements in, events out", keys: headed("Hooks", hooksSpecKeys), rules: hooksRules,
	read: func(h *Hooks) (*[]byte, *string) { return &h.Text, &h.Hash },
}

// ParseHooks reads a file of hooks, as Parse reads a release file: name is what
// errors call it, and an error holds all that is wrong.
func ParseHooks(name string, text []byte) (Hooks, error) { return hooksDocument.parse(name, text) }

// FormatHooks writes hooks in full, with every default spelled out.
func FormatHooks(h Hooks) []byte { return hooksDocument.format(h) }

// hooksRules checks what must hold between the keys.
func hooksRules(c *checker, h Hooks) {
	names := map[string]bool{}
	for i, in := range h.In {
		at := "spec.in[" + strconv.Itoa(i) + "]"
		uniqueName(c, names, at+".name", in.Name)
		if len(in.SecretFiles) > 2 {
			c.fail(at+".secretFiles", "names more than two files", "one secret, and a second one while it is being changed")
		}
		values := map[string]bool{}
		for j, v := range in.Values {
			uniqueName(c, values, at+".values["+strconv.Itoa(j)+"].name", v.Name)
		}
	}
	names = map[string]bool{}
	for i, out := range h.Out {
		at := "spec.out[" + strconv.Itoa(i) + "]"
		uniqueName(c, names, at+".name", out.Name)
		certificateRules(c, out.TLS, at)
	}
}

// uniqueName refuses a name that was there before.
func uniqueName(c *checker, seen map[string]bool, path, name string) {
	if name != "" && seen[name] {
		c.fail(path, clip(name)+" is there already", "give each a name of its own")
	}
	seen[name] = true
}
