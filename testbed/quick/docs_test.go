package quick_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

// Every manifest of Kubernetes' own that the pages show is one, to the last field.
func TestManifestsOfTheDocs(t *testing.T) {
	codec := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	count := 0
	for _, page := range []string{"kubernetes.md", "ingressnginx.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range block.FindAllSubmatch(text, -1) {
			for _, manifest := range bytes.Split(b[1], []byte("\n---\n")) {
				if !strings.HasPrefix(string(manifest), "apiVersion: ") || strings.HasPrefix(string(manifest), "apiVersion: linnet/") {
					continue
				}
				count++
				if _, _, err := codec.Decode(manifest, nil, nil); err != nil {
					t.Errorf("%s: %v in\n%s", page, err, manifest)
				}
			}
		}
	}
	if count == 0 {
		t.Error("no page shows a manifest")
	}
}
