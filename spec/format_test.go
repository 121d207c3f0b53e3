package spec

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
)

// Whatever text a file may hold, Format writes it so that Parse reads the
// same: YAML has many ways to take text for something else.
func TestAnyTextSurvivesFormat(t *testing.T) {
	base := mustParse(t, "checkout.yaml", goodFiles(t)["testdata/checkout.yaml"])
	line := rapid.OneOf(
		rapid.StringMatching(`[ -~]{1,40}`),
		rapid.StringMatching(`[:#&*!|>%@{}\[\],?'"\\ \-]{1,8}[a-z0-9]`),
		rapid.SampledFrom([]string{"~", "null", "True", "no", "1e3", "0x1F", ".inf", "-", "---", "...", "<<", "=", "1:30", "2026-01-02", "é", "日本", "a: b", "a #b", "a:", "#a", "\\n", "- a", "? a"}),
		rapid.String(),
	).Filter(func(s string) bool {
		_, bad := parseText(s)
		return bad == (fault{}) && !strings.ContainsRune(s, 0xFEFF) && !strings.ContainsRune(s, 0xFFFD)
	})
	promQL := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(line, 1, 3).Draw(t, "lines"), rapid.SampledFrom([]string{"\n", "\n\n", "\n  ", "\t", "\n\t"}).Draw(t, "break"))
	}).Filter(func(s string) bool { return strings.TrimSpace(s) == s })
	rapid.Check(t, func(t *rapid.T) {
		f := base
		f.Service = strings.NewReplacer("/", "-", `\`, "-").Replace(line.Draw(t, "service")) // its folder is called so
		f.Traffic = Traffic{Proxy: &Proxy{}}
		*f.Traffic.Proxy = *base.Traffic.Proxy
		f.Traffic.Proxy.Service = line.Draw(t, "proxy service")
		f.Candidate.Version = line.Draw(t, "version")
		f.Candidate.Labels = map[string]string{"version": "x" + line.Draw(t, "label")}
		f.Analysis.Metrics = []release.Metric{base.Analysis.Metrics[0]}
		m := &f.Analysis.Metrics[0]
		m.Events, m.Of = promQL.Draw(t, "bad"), promQL.Draw(t, "of")
		written := Format(f)
		again, err := Parse("f", written)
		if err != nil {
			t.Fatalf("%v\n%s", err, written)
		}
		if !equal(f, again) {
			t.Fatalf("got\n%+v\nwant\n%+v\nfrom\n%s", again, f, written)
		}
	})
}
