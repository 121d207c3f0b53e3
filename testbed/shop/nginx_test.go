//go:build cluster && linux

package shop_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/testbed/shop"
)

func TestNginx(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	n := openNginx(t, s)
	command := fmt.Sprintf("%q, -p, %q, -c, %q", n.binary, n.dir, n.config)
	s.RollsBack(t, shop.Place{
		Name: "nginx", URL: n.url, Weight: n.weight,
		Traffic: fmt.Sprintf("nginx: { file: %q, status: %q, upstreams: { baseline: base, candidate: next }, test: [ %[3]s, -t ], reload: [ %[3]s, -s, reload ] }",
			n.ours, n.status, command),
	})
}

// nginx is a real nginx with a file of Linnet's own.
type nginx struct {
	binary, dir, config, ours string
	url, status               string
}

func openNginx(t *testing.T, s *shop.Shop) nginx {
	t.Helper()
	address, dir := shop.FreeAddress(t), t.TempDir()
	n := nginx{
		binary: installed(t, "nginx"), dir: dir, config: filepath.Join(dir, "nginx.conf"), ours: filepath.Join(dir, "shop.conf"),
		url: "http://" + address, status: shop.FreeAddress(t),
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root root;" // it would go on as nobody, who may not read the folder
	}
	for name, text := range map[string]string{
		n.config: fmt.Sprintf(`
%s
daemon off;
worker_processes 2;
pid %s;
error_log stderr warn;
events {}
http {
	access_log off;
	include %s;
	upstream base { server %s; }
	upstream next { server %s; }
	server {
		listen %s;
		location / { proxy_pass http://$linnet_shop; }
	}
}
`, user, filepath.Join(dir, "pid"), n.ours, s.Base.Address, s.Next.Address, address),
		n.ours: "# Written by Linnet, as a whole.\n# linnet: epoch=0 owner=\"\"\nmap \"\" $linnet_shop { default base; }\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := program.ForTest(t, program.Config{Path: n.binary, Args: []string{"-p", dir, "-c", n.config}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.Until(ctx, "listens", func(ctx context.Context) bool {
		text, err := get(ctx, n.url, "")
		return err == nil && text != ""
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

var (
	epochOfFile = regexp.MustCompile(`(?m)^# linnet: epoch=(\d+) `)
	shareOfNext = regexp.MustCompile(`(?m)^\s*(\d+)\.(\d\d)% next;`)
)

// weight is the candidate's in Linnet's file, where the workers have that file's
// epoch.
func (n nginx) weight(ctx context.Context) (release.Weight, error) {
	text, err := os.ReadFile(n.ours)
	if err != nil {
		return 0, err
	}
	runs, err := get(ctx, "http://"+n.status, "linnet.invalid")
	if err != nil {
		return 0, err
	}
	epoch := epochOfFile.FindStringSubmatch(string(text))
	if epoch == nil || !regexp.MustCompile(`^`+epoch[1]+` `).MatchString(runs) {
		return 0, fmt.Errorf("the workers say %.100q", runs)
	}
	share := shareOfNext.FindStringSubmatch(string(text))
	if share == nil {
		return 0, nil
	}
	hundredths, err := strconv.Atoi(share[1] + share[2])
	return release.Weight(hundredths) * release.Whole / 10_000, err
}

// get asks for a URL by a connection of its own.
func get(ctx context.Context, url, host string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	r.Host, r.Close = host, true
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
