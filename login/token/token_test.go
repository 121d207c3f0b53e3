package token

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

func sample(n byte) Token {
	var id [IDSize]byte
	var secret [SecretSize]byte
	for i := range id {
		id[i] = n + byte(i)
	}
	for i := range secret {
		secret[i] = n * byte(i+3)
	}
	return New(id, secret)
}

func TestATokenIsItsTextAndKeptAsAHash(t *testing.T) {
	one, other := sample(1), sample(2)
	got, err := Parse(one.Text())
	if err != nil || got != one || !got.Matches(one.Hash()) {
		t.Errorf("%v, %v", got, err)
	}
	if one.Matches(other.Hash()) || one.Matches(nil) {
		t.Error("another's hash matches")
	}
	if !ValidID(one.ID) || ValidID("x") || ValidID(strings.ToUpper(one.ID)) {
		t.Error("ids")
	}
	_, secret, _ := strings.Cut(strings.TrimPrefix(one.Text(), Prefix), "_")
	for _, s := range []string{fmt.Sprint(one), fmt.Sprintf("%#v %+v %q", one, one, one), string(one.Hash())} {
		if strings.Contains(s, secret) {
			t.Errorf("%q shows the secret", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	good := sample(7).Text()
	for _, s := range []string{"", "lnt_", good, good + " ", strings.ToUpper(good), good[:len(good)-1], good[:len(good)-1] + "b",
		strings.Replace(good, "_", "__", 1), "lnt_ä_" + good[22:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		switch {
		case err == nil && got.Text() != s:
			t.Errorf("%q is read as %q", s, got.Text())
		case err != nil && (!errors.Is(err, release.ErrInvalid) || got != Token{}):
			t.Errorf("%v, %v", got, err)
		case err != nil && len(s) > 20 && strings.Contains(err.Error(), s):
			t.Error("the error repeats what was given")
		}
	})
}
