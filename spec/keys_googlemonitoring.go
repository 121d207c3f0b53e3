package spec

import (
	"regexp"
	"time"
)

// GoogleMonitoring is Google Cloud Monitoring.
type GoogleMonitoring struct {
	Project         string
	CredentialsFile string
	Endpoint        string
	Period          time.Duration
	// IngestDelay is how late a point is to be seen.
	IngestDelay time.Duration
	Timeout     time.Duration
}

func (g *GoogleMonitoring) pace() (grain, lag time.Duration) { return g.Period, g.IngestDelay }

func (g *GoogleMonitoring) rules(c *checker, _ *File, path string) {
	if c.fine(path+".period") && (g.Period < time.Minute || g.Period%time.Minute != 0 || time.Hour%g.Period != 0) {
		c.fail(path+".period", formatDuration(g.Period)+" is not whole minutes that an hour is a multiple of", "write 1m, or 5m")
	}
}

var googleMonitoringKeys = &object[GoogleMonitoring]{keys: []key[GoogleMonitoring]{
	{name: "project", doc: "The id of the project whose metrics are asked for.", need: true, sample: "shop-7",
		bind: at(func(g *GoogleMonitoring) *string { return &g.Project }, googleProject)},
	{name: "credentialsFile", doc: "A service account's key, or what else Google's tools read as credentials.", words: "as Google's tools find them: GOOGLE_APPLICATION_CREDENTIALS, gcloud, the machine's own account",
		bind: at(func(g *GoogleMonitoring) *string { return &g.CredentialsFile }, filePath)},
	{name: "endpoint", doc: "The URL of the API.", def: "https://monitoring.googleapis.com",
		bind: at(func(g *GoogleMonitoring) *string { return &g.Endpoint }, baseURL(noParams).forUse(UseOwn))},
	{name: "period", doc: "How long one point stands for, in whole minutes.", def: "1m",
		bind: at(func(g *GoogleMonitoring) *time.Duration { return &g.Period }, between(durations, time.Minute, time.Hour))},
	{name: "ingestDelay", doc: "How late Google shows what happened: minutes for its own services, seconds for metrics of your own.", def: "4m", zero: true,
		bind: at(func(g *GoogleMonitoring) *time.Duration { return &g.IngestDelay }, between(durations, 0, time.Hour))},
	{name: "timeout", doc: "How long a request may take.", def: "10s",
		bind: at(func(g *GoogleMonitoring) *time.Duration { return &g.Timeout }, between(durations, time.Second, 5*time.Minute))},
}}

const projectPattern = `^[a-z0-9][a-z0-9.:-]{0,99}$`

var (
	projectLike   = regexp.MustCompile(projectPattern)
	googleProject = &kind[string]{noun: "the id of a project", pattern: projectPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, projectLike, "is not the id of a Google Cloud project", "write its id or number, not its name")
		}}
)
