package app_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/journal"
	reports "github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/sim/stage"
	"github.com/linnet-project/linnet/ui"
)

// The page of a release in one file: its own script alone may run, it asks nobody,
// and what it shows is in it, here and at a server alike.
func TestReportInOneFile(t *testing.T) {
	t.Parallel()
	if !ui.Built() {
		if os.Getenv("CI") != "" {
			t.Fatal("the pages are not built: make pages")
		}
		t.Skip("the pages are not built: make pages")
	}
	data, dir := t.TempDir(), t.TempDir()
	store, err := journal.Open(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	var ended []stage.Release
	for _, r := range stage.Releases(time.Now()) {
		if strings.Contains(r.File, "name: checkout-2.14.0\n") {
			r.File = strings.Replace(r.File, "Who is on call", "</script><script>alert(1)</script> Who is on call", 1)
			ended = append(ended, r)
		}
	}
	if err := stage.Fill(t.Context(), store, ended); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	here, there, words := filepath.Join(dir, "here.html"), filepath.Join(dir, "there.html"), filepath.Join(dir, "words.md")
	expect(t, 0, []string{"release", "report", "checkout-2.14.0", "--data", data, "-o", here}, `here\.html: \d+ KiB`)
	expect(t, 0, []string{"release", "report", "checkout-2.14.0", "--data", data, "-o", words}, `words\.md`)
	expect(t, 1, []string{"release", "report", "checkout-9", "--data", data, "-o", here}, `checkout-9`)
	expect(t, 2, []string{"release", "report", "checkout-2.14.0", "--data", data, "-o", "report.pdf"}, `\.html or \.md`)
	server := linnet(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	at := server.says(`(http://127\.0\.0\.1:\d+)`)[1]
	expect(t, 0, []string{"release", "report", "checkout-2.14.0/1", "--server", at, "-o", there}, `there\.html`)
	for _, name := range []string{here, there} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		holdsReport(t, string(text))
	}
	if text, err := os.ReadFile(words); err != nil || !strings.Contains(string(text), "region=sa") {
		t.Errorf("%v\n%s", err, text)
	}
}

func holdsReport(t *testing.T, text string) {
	t.Helper()
	scripts := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(text, -1)
	if len(scripts) != 1 {
		t.Fatalf("%d scripts", len(scripts))
	}
	sum := sha256.Sum256([]byte(scripts[0][1]))
	if !strings.Contains(text, "default-src 'none';") || !strings.Contains(text, "script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Error("the policy is not that its own script alone may run")
	}
	if asked := regexp.MustCompile(`<(?:script|link|img|iframe)[^>]+(?:src|href)=`).FindString(text); asked != "" {
		t.Errorf("it asks for %s", asked)
	}
	inside := regexp.MustCompile(`(?s)<script type="application/json" id="linnet-report">(.*?)</script>`).FindStringSubmatch(text)
	if inside == nil {
		t.Fatal("its data is not in it")
	}
	var told struct {
		Record  reports.Release
		Courses []reports.Course
	}
	if err := json.Unmarshal([]byte(inside[1]), &told); err != nil {
		t.Fatal(err)
	}
	segments := map[string]bool{}
	for _, c := range told.Courses {
		for _, track := range c.Tracks {
			segments[track.Segment] = true
		}
	}
	if told.Record.Outcome != "rolled-back" || !segments[""] || !segments["region=sa"] || !segments["region=eu"] {
		t.Errorf("%s, segments %v", told.Record.Outcome, segments)
	}
}
