package testprogram

import (
	"os"
	"path/filepath"
	"testing"
)

// Prometheus is a real one.
type Prometheus struct {
	*Running
	// Address and URL are where it answers.
	Address, URL string
	// Data is its folder of data, an empty one at first.
	Data string

	path, config string
	flags        []string
}

// NewPrometheus readies a Prometheus with a configuration and more flags; Start
// starts it.
func NewPrometheus(t testing.TB, config string, flags ...string) *Prometheus {
	t.Helper()
	p := &Prometheus{Address: Address(t), path: Find(t, "prometheus", "prometheus"), flags: flags}
	p.URL = "http://" + p.Address
	dir := t.TempDir()
	p.Data, p.config = filepath.Join(dir, "data"), filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(p.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// Start starts it, or starts it again, and waits until it answers.
func (p *Prometheus) Start(t testing.TB) {
	t.Helper()
	p.Running = Start(t, p.URL+"/-/ready", p.path, append([]string{
		"--config.file=" + p.config, "--storage.tsdb.path=" + p.Data, "--web.listen-address=" + p.Address,
	}, p.flags...)...)
}
