package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/contract"
	"github.com/linnet-project/linnet/traffic/split"
)

// blocks are the JSON blocks of docs/own-provider.md.
func blocks(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/own-provider.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, found := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, found[1])
	}
	if len(out) != 6 {
		t.Fatalf("the page has %d blocks of JSON, expected apply, observe, renew, ready, an answer and a failure", len(out))
	}
	return out
}

// TestThePageShowsWhatIsAsked, byte for byte but for white space.
func TestThePageShowsWhatIsAsked(t *testing.T) {
	s := newStand()
	r := rules(everything(t)...)
	r.Arms = arms[:2]
	router := contract.New(contract.Config{Name: "stand", Rules: r, Call: s.call}).(split.Able)
	route := release.Route{
		Service: service, Weights: split.Of(arms[:2], []release.Weight{95_000, 5_000}),
		Salt: "b2c9", Epoch: 1_830_000_000_000_000, Owner: "checkout-1.5.0/1", Lease: time.Minute,
		Testers: release.Testers{Header: "X-Linnet-Arm", Cookie: "arm"}, Sticky: release.Sticky{Cookie: "user"}, Mirror: 10_000,
	}
	_, unseen := router.Observed(t.Context())
	for _, err := range []error{
		unseen, router.Apply(t.Context(), route), router.Renew(t.Context(), route.Owner, route.Epoch, route.Lease), router.Ready(t.Context(), arms[1]),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.asked[0], s.asked[1] = s.asked[1], s.asked[0]
	for i, block := range blocks(t)[:4] {
		var shown bytes.Buffer
		if err := json.Compact(&shown, []byte(block)); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(shown.String()); got != s.asked[i] {
			t.Errorf("the page shows\n%s, and asked is\n%s", got, s.asked[i])
		}
	}
}

func TestThePageShowsAnswers(t *testing.T) {
	shown := blocks(t)
	seen, err := answering(contract.Answer{Text: []byte(shown[4])}).Observed(t.Context())
	if err != nil || seen.Route.Weights[1].Weight != 5_000 || seen.Writers[0] != "argo-cd" {
		t.Errorf("%+v, %v", seen, err)
	}
	if err := answering(contract.Answer{Text: []byte(shown[5])}).Apply(t.Context(), plain()); !errors.Is(err, release.ErrConflict) {
		t.Errorf("%v", err)
	}
}
