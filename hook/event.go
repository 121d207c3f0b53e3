package hook

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// typePrefix comes before the kind of every event of Linnet's own.
const typePrefix = "com.github.linnet-project.release."

// kinds are the events by what was decided; a look in which nothing happened is
// none.
var kinds = map[engine.DecisionKind]string{
	engine.Start: "started", engine.Forward: "advanced", engine.HoldHere: "held", engine.StepBack: "stepped-back",
	engine.Correct: "corrected", engine.Await: "awaiting-approval", engine.Suspend: "paused", engine.Continue: "resumed",
	engine.Refuse: "refused", engine.Promote: "promoted", engine.RollBack: "rolled-back", engine.Finish: "finished",
}

// cdTypes are the CDEvents by the kind of an event: the candidate runs beside the
// baseline, it takes its place, or the baseline is all there is again.
var cdTypes = map[string]string{
	"started":     "dev.cdevents.service.deployed.0.2.0",
	"promoted":    "dev.cdevents.service.upgraded.0.2.0",
	"rolled-back": "dev.cdevents.service.rolledback.0.2.0",
}

// cdVersion is the version of CDEvents that is written.
const cdVersion = "0.4.1"

// about is what stays the same for all events of a release.
type about struct {
	id                  journal.ID
	service             string
	team, environment   string
	baseline, candidate release.Arm
}

func aboutPlan(id journal.ID, p plan.Plan) about {
	a := about{id: id, service: p.Service, team: p.Labels[plan.TeamLabel], environment: p.Labels[plan.EnvironmentLabel]}
	if len(p.Arms) > 1 {
		a.baseline, a.candidate = p.Arms[0], p.Arms[1]
	}
	return a
}

// wanted tells whether a target is told of an event.
func wanted(o spec.HookOut, kind string, a about) bool {
	_, cd := cdTypes[kind]
	return kind != "" && (o.Form != spec.CDEvents || cd) && (len(o.Events) == 0 || slices.Contains(o.Events, kind)) &&
		spec.Fits(o.Services, a.service) && spec.Fits(o.Teams, a.team) && spec.Fits(o.Environments, a.environment)
}

// cloudEvent is an event as CloudEvents 1.0 writes it.
type cloudEvent struct {
	SpecVersion string `json:"specversion"`
	ID          string `json:"id"`
	Source      string `json:"source"`
	Type        string `json:"type"`
	Subject     string `json:"subject"`
	Time        string `json:"time"`
	// Sequence orders the events of a release, also as text.
	Sequence        string `json:"sequence"`
	DataContentType string `json:"datacontenttype"`
	Data            any    `json:"data"`
}

// happened is what an event of Linnet's own says.
type happened struct {
	Release     string  `json:"release"`
	Service     string  `json:"service"`
	Team        string  `json:"team,omitempty"`
	Environment string  `json:"environment,omitempty"`
	Baseline    string  `json:"baseline"`
	Candidate   string  `json:"candidate"`
	Event       string  `json:"event"`
	Phase       string  `json:"phase"`
	Step        int     `json:"step"`
	Weight      float64 `json:"weight"`
	Code        string  `json:"code,omitempty"`
	Reason      string  `json:"reason,omitempty"`
	URL         string  `json:"url"`
}

// compose puts a record into an event of a target's form; source is where this
// Linnet is reached.
func compose(form, source string, a about, rec journal.Record) cloudEvent {
	d := rec.Decision
	kind := kinds[d.Kind]
	page := source + "/v1/releases/" + a.id.String()
	why := d.Reason.Text
	if d.Who != "" {
		why = "" // it names people; who may know them asks at the page
	}
	e := cloudEvent{
		SpecVersion: "1.0", ID: fmt.Sprintf("%s/%d", a.id, rec.Seq), Source: source, Type: typePrefix + kind, Subject: a.id.String(),
		Time: d.At.UTC().Format(time.RFC3339Nano), Sequence: fmt.Sprintf("%010d", rec.Seq), DataContentType: "application/json",
		Data: happened{
			Release: a.id.String(), Service: a.service, Team: a.team, Environment: a.environment,
			Baseline: a.baseline.Version, Candidate: a.candidate.Version, Event: kind, Phase: string(d.Phase), Step: d.Step,
			Weight: float64(d.Weight) / float64(release.Whole), Code: string(d.Reason.Code), Reason: why, URL: page,
		},
	}
	if form == spec.CDEvents {
		e.Type, e.Subject = cdTypes[kind], a.service
		e.Data = cdEvent(e, a, kind, page)
	}
	return e
}

func cdEvent(e cloudEvent, a about, kind, page string) map[string]any {
	runs := a.candidate
	if kind == "rolled-back" {
		runs = a.baseline
	}
	return map[string]any{
		"context": map[string]any{"version": cdVersion, "id": e.ID, "source": e.Source, "type": e.Type, "timestamp": e.Time},
		"subject": map[string]any{"id": a.service, "source": e.Source, "type": "service", "content": map[string]any{
			"environment": map[string]any{"id": cmp.Or(a.environment, "default")},
			"artifactId":  purl(a.service, runs),
		}},
		"customData":            map[string]any{"release": a.id.String(), "url": page},
		"customDataContentType": "application/json",
	}
}

// purl names what an arm runs as a package URL: the image by its digest where the
// release file has it, else service and version.
func purl(service string, a release.Arm) string {
	image, digest, ok := strings.Cut(a.Image, "@")
	if !ok {
		return "pkg:generic/" + url.PathEscape(service) + "@" + url.PathEscape(a.Version)
	}
	host, name := "", image
	if at := strings.LastIndexByte(image, '/'); at >= 0 {
		host, name = image[:at], image[at+1:]
	}
	name, _, _ = strings.Cut(name, ":")
	id := "pkg:oci/" + url.PathEscape(strings.ToLower(name)) + "@" + url.QueryEscape(digest)
	if host != "" {
		id += "?repository_url=" + url.QueryEscape(host+"/"+name)
	}
	return id
}

// put writes an event as a request has it: all in the body, or its context in
// headers.
func (e cloudEvent) put(mode string, h http.Header) ([]byte, error) {
	if mode == spec.Structured {
		h.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
		return json.Marshal(e)
	}
	for name, v := range map[string]string{"specversion": e.SpecVersion, "id": e.ID, "source": e.Source, "type": e.Type,
		"subject": e.Subject, "time": e.Time, "sequence": e.Sequence} {
		h.Set("Ce-"+name, headerText(v))
	}
	h.Set("Content-Type", e.DataContentType)
	return json.Marshal(e.Data)
}

// headerText writes text as CloudEvents has it in headers: what is not printable
// ASCII, and the signs " and %, by their bytes.
func headerText(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// signedID is an event's id as Standard Webhooks has ids, which hold no dot.
func signedID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "msg_" + hex.EncodeToString(sum[:16])
}
