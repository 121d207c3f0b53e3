package command

import (
	"strings"
	"unicode"

	"github.com/linnet-project/linnet/secret"
)

// head keeps the answer. What comes after its bound is thrown away, so that the
// command does not stand still, and more is set.
type head struct {
	most int
	text []byte
	more bool
}

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	room := h.most - len(h.text)
	h.more = h.more || len(p) > room
	h.text = append(h.text, p[:min(len(p), room)]...)
	return len(p), nil
}

// maxTail is how much of what a command said last an error tells, in bytes.
const maxTail = 500

// tail keeps the end of what the command says on standard error: enough that a
// secret in what is told is there as a whole, or at the very beginning.
type tail struct {
	text    []byte
	keep    int
	secrets []string
}

func newTail(secrets []string) *tail {
	t := &tail{keep: 2 * maxTail, secrets: secrets}
	for _, s := range secrets {
		t.keep = max(t.keep, maxTail+2*len(s))
	}
	return t
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p[max(0, len(p)-t.keep):]...)
	if cut := len(t.text) - t.keep; cut > 0 {
		t.text = append(t.text[:0], t.text[cut:]...)
	}
	return len(p), nil
}

// String is what was said last, on one line and without secrets, ready to follow
// an error's text; "" where nothing was.
func (t *tail) String() string {
	text := secret.Hidden(string(t.text), t.secrets)
	for _, s := range t.secrets {
		for begin := 1; begin < len(s) && len(t.text) == t.keep; begin++ {
			if strings.HasPrefix(text, s[begin:]) { // its beginning is cut off
				text = text[len(s)-begin:]
				break
			}
		}
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) }), " ")
	if cut := len(text) - maxTail; cut > 0 {
		text = "…" + text[cut:]
	}
	if text = strings.TrimSpace(strings.ToValidUTF8(text, "")); text == "" {
		return ""
	}
	return "; it said: " + text
}
