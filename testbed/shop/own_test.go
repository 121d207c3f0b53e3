//go:build cluster && linux

package shop_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/testbed/shop"
)

// ownSplit is a provider of somebody's own: the sample, which keeps the weights
// in a file, and a front that goes by the file.
type ownSplit struct {
	sample, file string
}

func newOwnSplit(t *testing.T) ownSplit {
	t.Helper()
	installed(t, "python3")
	root, err := program.Root()
	if err != nil {
		t.Fatal(err)
	}
	return ownSplit{sample: filepath.Join(root, "examples", "providers", "split.py"), file: filepath.Join(t.TempDir(), "split.json")}
}

// weight is the candidate's in the file; 0 before there is one.
func (o ownSplit) weight(context.Context) (release.Weight, error) {
	text, err := os.ReadFile(o.file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	var kept struct {
		Weights []struct {
			Arm    string         `json:"arm"`
			Weight release.Weight `json:"weight"`
		} `json:"weights"`
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return 0, err
	}
	for _, w := range kept.Weights {
		if w.Arm == release.Candidate {
			return w.Weight, nil
		}
	}
	return 0, nil
}

// open listens before a shop and gives its URL.
func (o ownSplit) open(t *testing.T, s *shop.Shop) string {
	t.Helper()
	return front(t, "http://"+s.Base.Address, "http://"+s.Next.Address, func() bool {
		w, err := o.weight(t.Context())
		return err == nil && rand.Int64N(int64(release.Whole)) < int64(w)
	})
}

func TestExec(t *testing.T) {
	t.Parallel()
	s, o := shop.Open(t), newOwnSplit(t)
	s.RollsBack(t, shop.Place{
		Name: "exec", URL: o.open(t, s), Weight: o.weight, Unfenced: true,
		Traffic: fmt.Sprintf("exec: { command: [ python3, %q, %q ] }", o.sample, o.file),
	})
}

// The same sample behind HTTP: what the contract says of a command and of an
// endpoint is one thing.
func TestWebhook(t *testing.T) {
	t.Parallel()
	s, o := shop.Open(t), newOwnSplit(t)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		cmd := exec.CommandContext(r.Context(), "python3", o.sample, o.file)
		cmd.Stdin = strings.NewReader(string(request))
		said, err := cmd.Output()
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		w.Write(said)
	}))
	t.Cleanup(hook.Close)
	s.RollsBack(t, shop.Place{
		Name: "webhook", URL: o.open(t, s), Weight: o.weight, Unfenced: true,
		Traffic: fmt.Sprintf("webhook: { url: %q }", hook.URL),
	})
}
