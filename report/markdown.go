package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/linnet-project/linnet/judge"
)

// What a comment on a pull request is shown of long lists: hosts refuse
// comments of more than 65,536 characters.
const (
	mostRows    = 40
	mostEntries = 60
	mostCell    = 300
)

// Markdown writes a release as a comment for a pull request: the outcome and
// the sentence, a table of guardrails, and the log folded away.
func Markdown(w io.Writer, r Release) error {
	var b strings.Builder
	if r.Name == "" {
		_, err := io.WriteString(w, md(r.Sentence)+"\n")
		return err
	}
	fmt.Fprintf(&b, "## %s: %s\n\n", md(r.Name), md(strings.ToLower(headline(r).text)))
	fmt.Fprintf(&b, "**%s**\n\n", md(r.Sentence))
	mdFacts(&b, r)
	title := "Guardrails now"
	if r.Outcome != running {
		title = "Guardrails when it was decided"
	}
	mdComparisons(&b, title, r.Standing)
	mdComparisons(&b, "Since then, against its own past", r.Aftermath)
	mdDecisions(&b, r)
	mdLinks(&b, r)
	_, err := io.WriteString(w, b.String())
	return err
}

// md makes a text plain inside Markdown, in a table too: what would start
// markup is escaped, no one is notified by an @, and no address becomes a link.
func md(s string) string {
	return mdEscapes.Replace(fit(clean(s), mostCell*4))
}

var mdEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "{", `\{`, "}", `\}`, "[", `\[`, "]", `\]`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "#", `\#`, "|", `\|`, "~", `\~`, "!", `\!`, "$", `\$`,
	"@", "@\u200b", "://", `\://`, "www.", `www\.`,
)

// mdCode shows a text as code, where nothing else is markup; a backtick in it
// would end that.
func mdCode(s string) string {
	return "`" + strings.ReplaceAll(fit(clean(s), mostCell), "`", "'") + "`"
}

func mdFacts(b *strings.Builder, r Release) {
	for _, a := range r.Arms {
		fmt.Fprintf(b, "- %s: %s at %s", md(a.Name), mdCode(a.Version), md(a.Weight))
		if a.Commit != "" {
			fmt.Fprintf(b, ", commit %s", mdCode(a.Commit))
		}
		if a.Image != "" {
			fmt.Fprintf(b, ", image %s", mdCode(a.Image))
		}
		b.WriteByte('\n')
	}
	if r.By != "" {
		fmt.Fprintf(b, "- begun by: %s\n", md(r.By))
	}
	for _, text := range approvalLines(r) {
		fmt.Fprintf(b, "- approval, %s\n", md(text))
	}
	fmt.Fprintf(b, "- times: %s\n", md(timesText(r.Times)))
	if r.Exposure.Metric != "" {
		fmt.Fprintf(b, "- exposure: %s candidate requests, %s bad (%s)\n",
			count(r.Exposure.Requests), count(r.Exposure.Bad), md(r.Exposure.Metric))
	}
	if r.Harm != nil {
		fmt.Fprintf(b, "- harm: %s\n", md(r.Harm.Text))
	}
	if r.Budget != nil {
		fmt.Fprintf(b, "- harm budget: %s\n", md(r.Budget.Text))
	}
	b.WriteByte('\n')
}

func mdComparisons(b *strings.Builder, title string, all []Comparison) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "### %s\n\n", title)
	left, right := heads(all)
	fmt.Fprintf(b, "| metric | %s | %s | effect (95 %% interval) | evidence | verdict |\n", left, right)
	b.WriteString("|---|---:|---:|---|---|---|\n")
	for _, c := range all[:min(len(all), mostRows)] {
		size := effect(c)
		if in := interval(c); in != none {
			size += " (" + in + ")"
		}
		verdict := md(verdictWord(c.Verdict))
		if c.Verdict == string(judge.Fail) {
			verdict = "**FAIL**"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", md(label(c)), md(side(reference(c), c.Baseline)),
			md(side(value(c, c.Candidate), c.Candidate)), md(size), md(evidence(c)), verdict)
	}
	if more := len(all) - mostRows; more > 0 {
		fmt.Fprintf(b, "\n%s more are in the JSON form.\n", count(int64(more)))
	}
	b.WriteByte('\n')
	for _, c := range all[:min(len(all), mostRows)] {
		if text := quantiles(c); text != "" {
			fmt.Fprintf(b, "- %s\n", md(text))
		}
	}
	if text := beliefs(all); text != "" {
		fmt.Fprintf(b, "- %s\n", md(text))
	}
}

// side is a figure with its sample size.
func side(v string, s Side) string {
	if s.N == 0 || v == none {
		return v
	}
	return v + " of " + samples(s)
}

func mdDecisions(b *strings.Builder, r Release) {
	fmt.Fprintf(b, "<details><summary>Decisions (%s)</summary>\n\n", count(int64(len(r.Decisions)+r.DecisionsOmitted)))
	b.WriteString("| time | decision | step | weight | why |\n|---|---|---:|---:|---|\n")
	first := max(0, len(r.Decisions)-mostEntries)
	for _, d := range r.Decisions[first:] {
		fmt.Fprintf(b, "| %s | %s | %d | %s | %s |\n", stamp(d.Time), md(d.Decision), d.Step, md(d.Weight), md(fit(d.Reason.Text, mostCell)))
	}
	if more := first + r.DecisionsOmitted; more > 0 {
		fmt.Fprintf(b, "\n%s earlier ones are not shown here.\n", count(int64(more)))
	}
	b.WriteString("\n</details>\n")
}

func mdLinks(b *strings.Builder, r Release) {
	var parts []string
	for _, l := range r.Links {
		if address := web(l.URL); address != "" {
			parts = append(parts, "["+md(l.Name)+"](<"+mdAddress.Replace(address)+">)")
		} else {
			parts = append(parts, md(l.Name+" "+l.URL))
		}
	}
	for _, id := range r.Exemplars {
		parts = append(parts, "trace "+mdCode(id))
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\n%s\n", strings.Join(parts, " · "))
	}
}

// mdAddress keeps an address inside the angle brackets of a link.
var mdAddress = strings.NewReplacer("<", "%3C", ">", "%3E", `\`, "%5C", "\n", "", " ", "%20", "|", "%7C")
