package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/release"
)

// form is the number of the stored form that is written: JSON with short keys,
// canonical as a record's is, and hashed as it stands.
const form = 1

type stored struct {
	At     time.Time   `json:"t"`
	Who    string      `json:"w,omitempty"`
	Kind   access.Kind `json:"k,omitempty"`
	Groups []string    `json:"g,omitempty"`
	From   string      `json:"f,omitempty"`
	What   string      `json:"a"`
	Object string      `json:"o,omitempty"`
	Reason string      `json:"r,omitempty"`
	Before string      `json:"b,omitempty"`
	After  string      `json:"n,omitempty"`
	Denied string      `json:"d,omitempty"`
}

func encode(e control.Entry) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(stored{
		At: e.At, Who: e.Who.Name, Kind: e.Who.Kind, Groups: e.Who.Groups, From: e.Who.From,
		What: e.What, Object: e.Object, Reason: e.Reason, Before: e.Before, After: e.After, Denied: e.Denied,
	})
	if err != nil {
		return nil, fmt.Errorf("audit: entry cannot be stored: %w: %w", release.ErrInvalid, err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// decode is the reverse of encode. Bytes that are not canonical are refused.
func decode(body []byte) (control.Entry, error) {
	var s stored
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return control.Entry{}, fmt.Errorf("not a line of the audit: %w: %w", release.ErrInvalid, err)
	}
	e := control.Entry{
		At: s.At, Who: access.Actor{Name: s.Who, Kind: s.Kind, Groups: s.Groups, From: s.From},
		What: s.What, Object: s.Object, Reason: s.Reason, Before: s.Before, After: s.After, Denied: s.Denied,
	}
	again, err := encode(e)
	if err != nil {
		return control.Entry{}, err
	}
	if !bytes.Equal(again, body) {
		return control.Entry{}, fmt.Errorf("a line of the audit is not in its canonical form: %w", release.ErrInvalid)
	}
	return e, nil
}

// Body is the stored form of a line, over which its hash goes.
func (l Line) Body() ([]byte, error) { return encode(l.Entry) }
