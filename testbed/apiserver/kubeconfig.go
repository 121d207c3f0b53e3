package apiserver

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Kubeconfig writes a kubeconfig file whose current context reaches url with
// namespace as its default, and gives its path. A second context named
// "elsewhere" leads to a server that does not exist.
func Kubeconfig(t testing.TB, url, namespace string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte(kubeconfig(url, namespace)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func kubeconfig(url, namespace string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: here
clusters:
  - {name: here, cluster: {server: %q}}
  - {name: elsewhere, cluster: {server: "http://127.0.0.1:1"}}
users:
  - {name: tester, user: {token: a-secret-token}}
contexts:
  - {name: here, context: {cluster: here, user: tester, namespace: %q}}
  - {name: elsewhere, context: {cluster: elsewhere, user: tester, namespace: elsewhere}}
`, url, namespace)
}
