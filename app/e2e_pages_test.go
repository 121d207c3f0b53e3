package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/ui"
)

// The pages are looked at in a real browser: scenarios in ui/browser, which one
// process of Node plays one after the other. What they need of the world outside
// of the browser they ask of the stage, which is this process.

// backstage does for scenarios what happens outside of the browser. What it does, it
// does on the test's own goroutine, where it may fail.
type backstage struct {
	*httptest.Server
	asked chan asked
}

// asked is something that a scenario wants done.
type asked struct {
	what  string
	reply chan any
}

func openBackstage(t *testing.T) *backstage {
	s := &backstage{asked: make(chan asked)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := asked{what: strings.TrimPrefix(r.URL.Path, "/stage/"), reply: make(chan any, 1)}
		select {
		case s.asked <- a:
		case <-r.Context().Done():
			return
		}
		select {
		case v := <-a.reply:
			tell(w, v)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() {
		s.CloseClientConnections() // a scenario may wait for what never comes
		s.Close()
	})
	return s
}

// serve does what is asked, until a program has ended.
func (s *backstage) serve(until *program, do func(what string) any) {
	for {
		select {
		case a := <-s.asked:
			a.reply <- do(a.what)
		case <-until.gone:
			return
		}
	}
}

// browser finds what the scenarios need. Where it is not there they are skipped,
// except where all must be there.
func browser(t *testing.T) string {
	t.Helper()
	var missing []string
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing = append(missing, "chromium (scripts/setup installs it)")
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing = append(missing, "node (scripts/setup installs it)")
	}
	if _, err := os.Stat("../ui/node_modules/playwright-core"); err != nil || !ui.Built() {
		missing = append(missing, "the pages (make pages)")
	}
	switch {
	case len(missing) > 0 && os.Getenv("CI") != "":
		t.Fatalf("missing: %s", strings.Join(missing, ", "))
	case len(missing) > 0:
		t.Skipf("the pages are not looked at; missing: %s", strings.Join(missing, ", "))
	}
	return path
}

// play plays the scenarios of a kind, ui/browser/*.KIND.ts, with what they are told
// in their environment. LINNET_SCENARIO is a pattern of names, to play a few alone.
func play(t *testing.T, chromium, kind string, told map[string]string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "node_modules/vitest/vitest.mjs", "run", "--config", "vitest.browser.config.ts", "--testNamePattern", os.Getenv("LINNET_SCENARIO"))
	cmd.Dir = "../ui"
	failures := filepath.Join(os.TempDir(), "linnet-pages")
	cmd.Env = append(os.Environ(), "LINNET_BROWSER_KIND="+kind, "LINNET_BROWSER_PATH="+chromium, "LINNET_BROWSER_FAILURES="+failures, "NO_COLOR=1")
	for name, value := range told {
		cmd.Env = append(cmd.Env, "LINNET_BROWSER_"+name+"="+value)
	}
	return launch(t, cmd)
}

// ended holds the scenarios to have passed, and shows what each came to.
func ended(t *testing.T, p *program) {
	t.Helper()
	<-p.gone
	if said := p.said.String(); p.cmd.ProcessState.ExitCode() != 0 {
		t.Fatalf("a scenario failed:\n%s", said)
	} else {
		t.Log(said)
	}
}

// company is a server for people who log in, with a shop whose new version can
// turn bad, and releases of the past.
type company struct {
	*driven
	issuer *issuer
	token  string // of the pipeline
	begun  int
}

// What the people may do: vera looks, otto operates, rita approves, ada may all.
const companyAccess = `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: release-managers, members: [rita@example.com] }
  bindings:
    - { role: viewer, to: [everyone] }
    - { role: operator, to: [otto@example.com] }
    - { role: approver, to: [rita@example.com] }
    - { role: admin, to: [ada@example.com, "service:ci"] }
`

func openCompany(t *testing.T) *company {
	t.Helper()
	c := &company{issuer: openIssuer(t, "vera@example.com", "otto@example.com", "rita@example.com", "ada@example.com")}
	address := testprogram.Address(t) // the provider must know it before anybody listens there
	c.driven = drive(t, "shop", "", fmt.Sprintf(`  publicURL: http://%s
  login:
    oidc: { issuer: %q, clientID: linnet }
    rates: { anonymous: 0 }
  access: access.yaml
  reach: { listen: true, hosts: ["127.0.0.0/8"] }
`, address, c.issuer.URL))
	c.address = address
	c.put("access.yaml", companyAccess)
	made := linnet(t, "token", "create", "--data", c.data, "--config", filepath.Join(c.dir, "server.yaml"), "--owner", "service:ci", "--name", "pipeline")
	c.token = made.says(`(lnt_[0-9a-f_]+)\s`)[1]
	made.exits(0)
	fillStage(t, c.data)
	c.serve()
	return c
}

// begin begins a release of a file, and gives where it is.
func (c *company) begin(text string) map[string]any {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url()+"/v1/releases", bytes.NewReader([]byte(text)))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/yaml")
	r.Header.Set("Authorization", "Bearer "+c.token)
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer got.Body.Close()
	var said struct{ Release map[string]any }
	if err := json.NewDecoder(got.Body).Decode(&said); err != nil || got.StatusCode != http.StatusCreated {
		c.t.Fatalf("%s: %+v %v", got.Status, said, err)
	}
	return said.Release
}

// written is a release file of the company, as a text.
func (c *company) written(y story) string {
	c.t.Helper()
	text, err := os.ReadFile(c.write(y))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

// do is what scenarios can ask for.
func (c *company) do(what string) any {
	switch what {
	case "watched": // a release of the shop that goes well, until its new version turns bad
		return c.begin(c.written(story{name: "shop-1.1.0", traffic: c.remote(), source: c.scraping(), metrics: []string{ownErrors},
			steps: "[ { weight: 30%, atLeast: 30m, atMost: 1h } ]"}))
	case "spoil": // its new version turns bad
		c.next.kill()
		c.next = linnet(c.t, "demo-service", "--version-name", "1.1.0", "--seed", "2", "--fault", "errors", "--listen", strings.TrimPrefix(c.nextURL, "http://"))
		c.next.says(`listening on (\S+)`)
	case "gate": // a release of a service of its own that waits for an approval
		c.begun++
		name := fmt.Sprintf("till-%d", c.begun)
		text := c.written(story{name: name, traffic: c.embedded(testprogram.Address(c.t)), source: c.scraping(), metrics: []string{ownErrors},
			steps: "[ { weight: 30%, atLeast: 30m, atMost: 1h, approval: { from: release-managers, comment: required } } ]"})
		return c.begin(strings.Replace(text, "service: shop", "service: "+name, 1))
	case "report": // the page of a release as a file
		file := filepath.Join(c.dir, "report.html")
		expect(c.t, 0, []string{"release", "report", "checkout-2.14.0", "--data", c.data, "-o", file})
		return map[string]any{"file": file}
	case "kill":
		c.server.kill()
	case "start":
		c.serve()
	default:
		c.t.Fatalf("a scenario asks for %s, which the stage cannot do", what)
	}
	return map[string]any{}
}

// People at the pages, each story a scenario of its own.
func TestPages(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	c, s := openCompany(t), openBackstage(t)
	scenarios := play(t, chromium, "test", map[string]string{"URL": c.url(), "ISSUER": c.issuer.URL, "STAGE": s.URL})
	s.serve(scenarios, c.do)
	ended(t, scenarios)
}
