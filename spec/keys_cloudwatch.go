package spec

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// CloudWatch is Amazon CloudWatch: its metrics, and logs by Logs Insights.
type CloudWatch struct {
	// Region, Profile, Role, ExternalID and the endpoints say how AWS is reached.
	Region, Profile, Role, ExternalID string
	Endpoint, LogsEndpoint            string
	Period                            time.Duration
	// LogGroups are names or ARNs.
	LogGroups []string
	Timeout   time.Duration
}

// pace: AWS' own services publish once a minute, and what they publish is whole
// some two minutes later; so are most logs. Metrics of high resolution are those
// of applications, which AWS shows sooner.
func (w *CloudWatch) pace() (grain, lag time.Duration) {
	if w.Period > 0 && w.Period < time.Minute {
		return w.Period, time.Minute
	}
	return w.Period, 3 * time.Minute
}

func (w *CloudWatch) rules(c *checker, f *File, path string) {
	short := []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}
	whole := w.Period >= time.Minute && w.Period%time.Minute == 0 && time.Hour%w.Period == 0
	for _, p := range short {
		whole = whole || w.Period == p
	}
	if !whole && c.fine(path+".period") {
		c.fail(path+".period", formatDuration(w.Period)+" is no period of CloudWatch", "write 1m, or 5m; 1s, 5s, 10s, 20s or 30s for metrics of high resolution")
	}
	if w.ExternalID != "" && w.Role == "" && c.fine(path+".role", path+".externalId") {
		c.fail(path+".externalId", "goes with a role, and there is none", "write role, or take it out")
	}
	for i, m := range f.Analysis.Metrics {
		source, _ := f.Analysis.Of(m.Source)
		if source.CloudWatch != w || m.Query == "" || len(w.LogGroups) > 0 || strings.Contains(m.Query, "SOURCE") || !c.fine(path+".logGroups") {
			continue
		}
		c.fail(path+".logGroups", "is missing, and metrics["+strconv.Itoa(i)+"] has a query of logs", "write the log groups that it is put to")
		return
	}
}

var cloudWatchKeys = &object[CloudWatch]{keys: []key[CloudWatch]{
	{name: "region", doc: "The AWS region.", words: "that of the environment or profile",
		bind: at(func(w *CloudWatch) *string { return &w.Region }, awsRegion)},
	{name: "profile", doc: "A profile of the shared AWS configuration.", words: "as the AWS tools have it",
		bind: at(func(w *CloudWatch) *string { return &w.Profile }, freeText)},
	{name: "role", doc: "The ARN of a role to take on.", words: "none",
		bind: at(func(w *CloudWatch) *string { return &w.Role }, awsRole)},
	{name: "externalId", doc: "The external id that the role asks for.", words: "none",
		bind: at(func(w *CloudWatch) *string { return &w.ExternalID }, freeText)},
	{name: "endpoint", doc: "The URL of CloudWatch's API.", words: "the region's own",
		bind: at(func(w *CloudWatch) *string { return &w.Endpoint }, credentialURL)},
	{name: "logsEndpoint", doc: "The URL of CloudWatch Logs' API.", words: "the region's own",
		bind: at(func(w *CloudWatch) *string { return &w.LogsEndpoint }, credentialURL)},
	{name: "period", doc: "How long one point of a metric stands for: whole minutes, or 1s, 5s, 10s, 20s or 30s for metrics of high resolution.", def: "1m",
		bind: at(func(w *CloudWatch) *time.Duration { return &w.Period }, between(durations, time.Second, time.Hour))},
	{name: "logGroups", doc: "The log groups that queries are put to, by name or ARN; 50 at most.", words: "what a query names by SOURCE",
		bind: at(func(w *CloudWatch) *[]string { return &w.LogGroups }, &listOf[string]{item: logGroup, min: 1})},
	{name: "timeout", doc: "How long an answer may take, all requests together.", def: "30s",
		bind: at(func(w *CloudWatch) *time.Duration { return &w.Timeout }, between(durations, time.Second, 5*time.Minute))},
}}

const groupNamePattern = `^(arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:)?[A-Za-z0-9_/.#-]{1,512}$`

var (
	groupNameLike = regexp.MustCompile(groupNamePattern)
	logGroup      = &kind[string]{noun: "the name or ARN of a log group", pattern: groupNamePattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, groupNameLike, "is not the name or ARN of a log group", "write one such as /aws/ecs/shop, without * at its end")
		}}
)
