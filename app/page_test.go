package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// The pages' types are made of the API's document as it is recorded beside them.
func TestPagesKnowTheAPI(t *testing.T) {
	t.Parallel()
	// With all that adds operations of its own.
	dir := t.TempDir()
	config := filepath.Join(dir, "server.yaml")
	for name, text := range map[string]string{
		config:                             "{ apiVersion: linnet/v1, kind: Server, spec: { notices: notices.yaml } }",
		filepath.Join(dir, "notices.yaml"): "{ apiVersion: linnet/v1, kind: Notices, spec: { channels: [{ name: chat, shoutrrr: { urlFile: url } }], routes: [{ to: [chat] }] } }",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := linnet(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--config", config, "--releases", t.TempDir())
	at := server.says(`(http://127\.0\.0\.1:\d+)`)[1]
	answer, err := http.Get(at + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	document["info"].(map[string]any)["version"] = "1"
	if text, err = json.MarshalIndent(document, "", "  "); err != nil {
		t.Fatal(err)
	}
	const name = "../ui/openapi.json"
	if *update {
		if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if recorded, err := os.ReadFile(name); err != nil || string(recorded) != string(text)+"\n" {
		t.Errorf("%s is not the API's document (%v); `go test ./app -run %s -update` writes it anew", name, err, t.Name())
	}
}
