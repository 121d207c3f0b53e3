package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// The stored form of a record is one JSON object with short keys. It is
// canonical: whatever decodes encodes to the same bytes, so that the hash of a
// record is the hash of its meaning. Bytes once written are hashed for ever:
// a field may be added if it is left out when empty, anything else needs a new
// form number. testdata/form1.json holds records that must stay readable.

// maxBody bounds a record's stored form before it is packed, in bytes.
const maxBody = 4 << 20

type storedBody struct {
	At       time.Time      `json:"t,omitzero"`
	Event    storedEvent    `json:"e"`
	Decision storedDecision `json:"d"`
	Effects  []storedEffect `json:"f,omitempty"`
}

// encodeRecord gives the canonical bytes of a record, without its sequence and
// hash, which stand beside it.
func encodeRecord(rec Record) ([]byte, error) {
	event, err := storeEvent(rec.Event)
	if err != nil {
		return nil, err
	}
	effects, err := storeEffects(rec.Effects)
	if err != nil {
		return nil, err
	}
	stored := storedBody{At: rec.At.UTC(), Event: event, Decision: storeDecision(rec.Decision), Effects: effects}
	body, err := marshal(stored)
	if err == nil && bytes.Contains(body, []byte(`\ufffd`)) {
		// JSON writes bytes that are not UTF-8 so, and otherwise once they are
		// read: the second writing is the one that stays the same.
		stored = storedBody{}
		if err = json.Unmarshal(body, &stored); err == nil {
			body, err = marshal(stored)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("record %d cannot be stored: %w: %w", rec.Seq, release.ErrInvalid, err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("record %d is %d bytes long and may have %d; look at fewer metrics or segments: %w",
			rec.Seq, len(body), maxBody, release.ErrInvalid)
	}
	return body, nil
}

// decodeRecord is the reverse of encodeRecord. Bytes that are not canonical
// are refused, and nothing half-made is returned.
func decodeRecord(body []byte) (Record, error) {
	var stored storedBody
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&stored); err != nil {
		return Record{}, fmt.Errorf("not a record: %w: %w", release.ErrInvalid, err)
	}
	event, err := stored.Event.load()
	if err != nil {
		return Record{}, err
	}
	effects, err := loadEffects(stored.Effects)
	if err != nil {
		return Record{}, err
	}
	rec := Record{At: stored.At, Event: event, Decision: stored.Decision.load(), Effects: effects}
	again, err := encodeRecord(rec)
	if err != nil {
		return Record{}, err
	}
	if !bytes.Equal(again, body) {
		return Record{}, fmt.Errorf("record is not in its canonical form: %w", release.ErrInvalid)
	}
	return rec, nil
}

// AsStored gives a decision as the journal gives it back: for a decision to
// stay, the verdict is cut down to what decided it. A replay compares this
// with what was recorded.
func AsStored(d engine.Decision) engine.Decision { return storeDecision(d).load() }

// marshal is json.Marshal without the escapes meant for web pages.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// number is a float64 that JSON can hold whatever its value is.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"+Inf"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Inf"`), nil
	default:
		return json.Marshal(f)
	}
}

func (n *number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"+Inf"`:
		*n = number(math.Inf(1))
	case `"-Inf"`:
		*n = number(math.Inf(-1))
	default:
		return json.Unmarshal(text, (*float64)(n))
	}
	return nil
}

func storeNumbers(fs []float64) []number {
	return each(fs, func(f float64) number { return number(f) })
}
func loadNumbers(ns []number) []float64 {
	return each(ns, func(n number) float64 { return float64(n) })
}

// each converts a slice; nothing stays nil, and nil and empty are the same in
// stored form.
func each[A, B any](in []A, convert func(A) B) []B {
	if len(in) == 0 {
		return nil
	}
	out := make([]B, len(in))
	for i := range in {
		out[i] = convert(in[i])
	}
	return out
}
