package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/testprogram"
)

// The examples of docs/api.md work, one after the other, on a server that runs
// the release they begin.
func TestExamplesOfTheAPI(t *testing.T) {
	t.Parallel()
	curl := testprogram.Find(t, "curl", "curl")
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	s := openShop(t, "checkout-1.5.0", demo.None)
	file := s.write(story{traffic: s.embedded(testprogram.Address(t)), source: s.scraping(), metrics: []string{ownErrors}})
	folder := t.TempDir()
	if err := os.Rename(file, filepath.Join(folder, "release.yaml")); err != nil {
		t.Fatal(err)
	}
	p, url := serve(t, t.TempDir())
	var said strings.Builder
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	for _, block := range blocks {
		run := exec.CommandContext(t.Context(), "sh", "-e", "-c", block[1])
		run.Dir, run.Env = folder, append(os.Environ(), "LINNET="+url, "PATH="+filepath.Dir(curl)+":/usr/bin:/bin")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v:\n%s%s", err, block[1], out)
		}
		said.Write(out)
	}
	matches(t, said.String(), `"code":"invalid-file"`, `"created":true`, `"items":\[\{"name":"checkout-1.5.0"`, `"taken":true`, `"decision":"resume"`,
		`(?m)^id: 1\nevent: start\ndata: \{`, `"what":"release.pause"`, `"title":"search 8.2"`, `"same":true`, `"kind":"embedded"`, `"several":false`, `"troubles":\[\]`)
	for _, name := range []string{"openapi.json", "record.json", "course.json", "audit.ndjson"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || len(text) < 100 {
			t.Errorf("%s: %v, %d bytes", name, err, len(text))
		}
	}
	if status, _ := fetch(t, strings.Replace(url, "127.0.0.1", "localhost", 1)+"/docs"); status != 200 {
		t.Errorf("/docs: %d", status)
	}
	p.kill()
}
