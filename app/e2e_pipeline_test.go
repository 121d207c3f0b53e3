package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/linnet-project/linnet/demo"
)

// runner runs the steps of pipelines as their services do: in bash, with the
// environment that these give, and nothing of the test's own.
type runner struct {
	t    *testing.T
	dir  string // where jobs run, and what runners keep
	path string // has linnet
}

func pipelines(t *testing.T) *runner {
	t.Helper()
	r := &runner{t: t, dir: t.TempDir()}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(r.dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nLINNET_TEST_PROCESS=1 GORACE=atexit_sleep_ms=0 exec " + self + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "linnet"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r.path = bin + ":" + os.Getenv("PATH")
	return r
}

// bash runs a script and gives its exit code and what it said.
func (r *runner) bash(script string, env map[string]string, flags ...string) (int, string) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "step.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), "bash", append(flags, file)...)
	cmd.Dir = r.dir
	cmd.Env = []string{"HOME=" + r.dir}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	if env["PATH"] == "" {
		cmd.Env = append(cmd.Env, "PATH="+r.path)
	}
	said, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		r.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(said)
}

// action is a composite action of GitHub.
type action struct {
	Inputs map[string]struct {
		Required bool
		Default  string
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

var expressions = regexp.MustCompile(`\$\{\{\s*(?:inputs\.([a-z0-9-]+)|steps\.([a-z]+)\.outputs\.([a-z]+))\s*\}\}`)

// github runs an action's steps up to the first that fails.
func (r *runner) github(with map[string]string) (code int, said, summary string, outputs map[string]string) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/github/action.yml"))
	if err != nil {
		r.t.Fatal(err)
	}
	var a action
	if err := yaml.Unmarshal(text, &a); err != nil || a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		r.t.Fatalf("%v: %+v", err, a)
	}
	inputs, results := map[string]string{}, map[string]string{}
	for name, in := range a.Inputs {
		inputs[name] = in.Default
		if v, ok := with[name]; ok {
			inputs[name] = v
		} else if in.Required {
			r.t.Fatalf("input %s is missing", name)
		}
	}
	evaluated := func(text string) string {
		return expressions.ReplaceAllStringFunc(text, func(e string) string {
			m := expressions.FindStringSubmatch(e)
			if m[1] != "" {
				return inputs[m[1]]
			}
			return results[m[2]+"."+m[3]]
		})
	}
	temp := r.t.TempDir()
	sum := filepath.Join(temp, "summary")
	for _, step := range a.Runs.Steps {
		if strings.Contains(step.Run, "${{") || step.Shell != "bash" {
			r.t.Errorf("step %s puts an expression into its script, or is none of bash", step.ID)
		}
		out := filepath.Join(temp, "output-"+step.ID)
		env := map[string]string{"GITHUB_OUTPUT": out, "GITHUB_STEP_SUMMARY": sum, "RUNNER_TEMP": temp}
		for name, v := range step.Env {
			env[name] = evaluated(v)
		}
		var now string
		code, now = r.bash(step.Run, env, "--noprofile", "--norc", "-e", "-o", "pipefail")
		said += now
		lines, _ := os.ReadFile(out) // none where nothing is put out
		for line := range strings.Lines(string(lines)) {
			name, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			results[step.ID+"."+name] = v
		}
		if code != 0 {
			break
		}
	}
	outputs = map[string]string{}
	for name, o := range a.Outputs {
		outputs[name] = evaluated(o.Value)
	}
	text, _ = os.ReadFile(sum) // none where no release was begun
	return code, said, string(text), outputs
}

// gitlab runs the job of the template.
func (r *runner) gitlab(variables map[string]string) (code int, said string) {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "deploy/gitlab/linnet.yml"))
	if err != nil {
		r.t.Fatal(err)
	}
	var jobs map[string]struct {
		Script      []string
		AfterScript []string `yaml:"after_script"`
		Variables   map[string]string
	}
	if err := yaml.Unmarshal(text, &jobs); err != nil || len(jobs[".linnet-release"].Script) == 0 {
		r.t.Fatalf("%v: %+v", err, jobs)
	}
	job := jobs[".linnet-release"]
	env := maps.Clone(job.Variables)
	maps.Copy(env, variables)
	code, said = r.bash(strings.Join(job.Script, "\n"), env, "-e", "-o", "pipefail")
	_, after := r.bash(strings.Join(job.AfterScript, "\n"), env, "-e", "-o", "pipefail")
	return code, said + after
}

// The action and the job are run as they stand, against a server that asks for a
// login: one release that is promoted, one that is rolled back.
func TestPipelines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault demo.Fault
		name  string
		run   func(*testing.T, *runner, *driven, string)
	}{{demo.None, "github", githubPromotes}, {demo.Errors, "gitlab", gitlabRollsBack}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := drive(t, c.name, c.fault, "  login: {}\n  reach: { files: [/], hosts: [127.0.0.1, SPLITTER] }\n")
			d.serve()
			code, token := call("token", "create", "--data", d.data, "--owner", "local:"+c.name, "--quiet")
			token = regexp.MustCompile(`lnt_\S+`).FindString(token)
			if code != 0 || token == "" {
				t.Fatalf("%d: %q", code, token)
			}
			d.put("release.yaml", d.file(c.name))
			c.run(t, pipelines(t), d, token)
		})
	}
}

func githubPromotes(t *testing.T, r *runner, d *driven, token string) {
	program, err := os.ReadFile(filepath.Join(r.dir, "bin", "linnet"))
	if err != nil {
		t.Fatal(err)
	}
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(program) }))
	t.Cleanup(files.Close)
	sum := sha256.Sum256(program)
	with := map[string]string{"server": d.url(), "token": token, "file": filepath.Join(d.dir, "release.yaml"), "wait": "5m",
		"reason": "$(touch broken); `touch broken`", "url": files.URL, "sha256": hex.EncodeToString(sum[:])}
	code, said, summary, outputs := r.github(with)
	if code != 0 || outputs["release"] != "github/1" || outputs["outcome"] != "promoted" {
		t.Errorf("exit code %d, outputs %v:\n%s", code, outputs, said)
	}
	matches(t, said, `(?m)^::add-mask::`+token+`$`, `github/1: promoted`)
	matches(t, summary, `github`, `promoted`)
	if _, err := os.Stat(filepath.Join(r.dir, "broken")); err == nil {
		t.Error("an input became a part of the script")
	}
	if strings.Count(said, token) != 1 || strings.Contains(summary, token) {
		t.Error("the token is told besides the mask")
	}
	with["sha256"] = strings.Repeat("0", 64)
	if code, said, _, outputs := r.github(with); code != 1 || outputs["release"] != "" {
		t.Errorf("another program than meant: exit code %d:\n%s", code, said)
	}
	with["url"], with["token"] = "", "lnt_wrong"
	if code, said, _, outputs := r.github(with); code != 1 || outputs["outcome"] != "error" {
		t.Errorf("a wrong token: exit code %d, %v:\n%s", code, outputs, said)
	}
}

func gitlabRollsBack(t *testing.T, r *runner, d *driven, token string) {
	variables := map[string]string{"LINNET_SERVER": d.url(), "LINNET_TOKEN": token, "LINNET_FILE": filepath.Join(d.dir, "release.yaml")}
	code, said := r.gitlab(variables)
	record, err := os.ReadFile(filepath.Join(r.dir, "linnet.md"))
	if code != 3 || err != nil {
		t.Errorf("exit code %d, %v:\n%s", code, err, said)
	}
	matches(t, said, `gitlab/1: begun`, `gitlab/1: rolled-back: `)
	matches(t, string(record), `rolled back`)
	if strings.Contains(said+string(record), token) {
		t.Error("the token is told")
	}
	variables["LINNET_FILE"] = d.put("bad.yaml", "apiVersion: linnet/v1\nkind: Release\n")
	if code, said := r.gitlab(variables); code != 2 {
		t.Errorf("a bad file: exit code %d:\n%s", code, said)
	}
}
