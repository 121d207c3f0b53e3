package api

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Programs go by the code of a problem: the document names every one there is.
func TestTheDocumentNamesAllCodes(t *testing.T) {
	field, _ := reflect.TypeFor[Problem]().FieldByName("Code")
	named := strings.Split(field.Tag.Get("enum"), ",")
	for _, err := range []error{
		&control.Denied{}, &control.Refused{}, &control.Moved{}, &control.Unconfirmed{}, spec.Errors{{}},
		release.ErrInvalid, release.ErrNotFound, release.ErrConflict, release.ErrUnavailable, &Refusal{Status: 429},
	} {
		if p := problemOf(err); !slices.Contains(named, p.Code) {
			t.Errorf("%T is called %q, which is not among %v", err, p.Code, named)
		}
	}
	for status, code := range codes {
		if !slices.Contains(named, code) {
			t.Errorf("%d is called %q, which is not among %v", status, code, named)
		}
	}
}
