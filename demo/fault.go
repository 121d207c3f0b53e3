package demo

import (
	"fmt"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Fault is the way in which a version is bad.
type Fault string

// The faults.
const (
	None    Fault = ""        // an ordinary version
	Errors  Fault = "errors"  // 5 % of the requests fail, instead of 0.5 %
	Latency Fault = "latency" // every request takes 1.6 times as long
	Tail    Fault = "tail"    // 3 % of the requests take 400 ms longer
	Crash   Fault = "crash"   // the process dies after some hundred requests
)

// Faults are all faults, in the order in which they are told to people.
func Faults() []Fault { return []Fault{Errors, Latency, Crash, Tail} }

// ParseFault reads the name of a fault; "" is None. The error wraps
// release.ErrInvalid and tells the names there are.
func ParseFault(name string) (Fault, error) {
	known := make([]string, 0, len(Faults()))
	for _, f := range Faults() {
		if name == string(f) {
			return f, nil
		}
		known = append(known, string(f))
	}
	if name == string(None) {
		return None, nil
	}
	return None, fmt.Errorf("fault %q: must be one of %s: %w", name, strings.Join(known, ", "), release.ErrInvalid)
}
