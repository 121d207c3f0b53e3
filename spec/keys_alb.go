package spec

import (
	"regexp"
	"time"

	"github.com/linnet-project/linnet/release"
)

// ALB is a forward action of an AWS Application Load Balancer.
type ALB struct {
	Asks
	// Listener or Rule is an ARN. A listener alone means its default action;
	// with Priority, or Host and Path, it means one of its rules.
	Listener, Rule string
	Priority       int64
	Host, Path     string
	// Groups are the target groups of the arms, by arm name: ARNs or names.
	Groups map[string]string
	// Region, Profile, Role, ExternalID and Endpoint say how AWS is reached.
	Region, Profile, Role, ExternalID, Endpoint string
}

func (*ALB) grain() release.Weight { return 100 }

// fences is false: ELBv2 has no versions, so that two that write at the same
// moment cannot be told apart before the next look.
func (*ALB) fences() bool { return false }

// asks has the balancer's own cookie where users are to stay.
func (a *ALB) asks() Asks {
	out := a.Asks
	if out.Sticky.For > 0 {
		out.Sticky.Cookie = "AWSALBTG"
	}
	return out
}

var albKeys = &object[ALB]{exactly: []string{"listener", "rule"},
	atMost: [][]string{{"rule", "priority"}, {"rule", "host"}, {"rule", "path"}, {"priority", "host"}, {"priority", "path"}},
	keys: []key[ALB]{
		{name: "listener", doc: "The listener's ARN. Alone it means its default action; with priority, or host and path, that of one of its rules.",
			bind: at(func(a *ALB) *string { return &a.Listener }, listenerARN)},
		{name: "priority", doc: "The priority of the rule.",
			bind: at(func(a *ALB) *int64 { return &a.Priority }, between(wholes, 1, 50_000))},
		{name: "host", doc: "A host of the rule's conditions, as it is written there. Exactly one rule must have it.",
			bind: at(func(a *ALB) *string { return &a.Host }, freeText)},
		{name: "path", doc: "A path pattern of the rule's conditions, as it is written there. Exactly one rule must have it.",
			bind: at(func(a *ALB) *string { return &a.Path }, freeText)},
		{name: "rule", doc: "The rule's ARN, in place of listener and the rest.",
			bind: at(func(a *ALB) *string { return &a.Rule }, ruleARN)},
		{name: "groups", doc: "The target groups of the arms. The action must forward to them, and to no others.", need: true, sample: "{ baseline: shop-blue, candidate: shop-green }",
			bind: at(func(a *ALB) *map[string]string { return &a.Groups }, groupKeys)},
		{name: "sticky", doc: "Keeps users in their target group while the release runs, by the balancer's own cookie (AWSALBTG).", words: "each request is drawn on its own",
			bind: at(func(a *ALB) *release.Sticky { return &a.Sticky }, groupSticky)},
		{name: "region", doc: "The AWS region.", words: "the one in the ARN",
			bind: at(func(a *ALB) *string { return &a.Region }, awsRegion)},
		{name: "profile", doc: "A profile of the shared AWS configuration.", words: "as the AWS tools have it",
			bind: at(func(a *ALB) *string { return &a.Profile }, freeText)},
		{name: "role", doc: "The ARN of a role to take on.", words: "none",
			bind: at(func(a *ALB) *string { return &a.Role }, awsRole)},
		{name: "externalId", doc: "The external id that the role asks for.", words: "none",
			bind: at(func(a *ALB) *string { return &a.ExternalID }, freeText)},
		{name: "endpoint", doc: "The URL of the API.", words: "the region's own",
			bind: at(func(a *ALB) *string { return &a.Endpoint }, credentialURL)},
	}}

var groupKeys = &object[map[string]string]{keys: []key[map[string]string]{
	{name: "baseline", doc: "The baseline's target group, by ARN or name.", need: true, sample: "shop-blue",
		bind: entry("baseline", targetGroup)},
	{name: "candidate", doc: "The candidate's target group, by ARN or name.", need: true, sample: "shop-green",
		bind: entry("candidate", targetGroup)},
}}

var groupSticky = &object[release.Sticky]{keys: []key[release.Sticky]{
	{name: "for", doc: "How long a user stays, in whole seconds.", need: true, sample: "1h",
		bind: at(func(s *release.Sticky) *time.Duration { return &s.For }, between(durations, time.Second, 7*day))},
}}

// How AWS writes names.
const (
	elbPattern      = `^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:`
	listenerPattern = elbPattern + `listener/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}$`
	rulePattern     = elbPattern + `listener-rule/app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}/[0-9a-f]{16}/[0-9a-f]{16}$`
	groupPattern    = elbPattern + `targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}$|^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`
	rolePattern     = `^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]{1,512}$`
	regionPattern   = `^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`
)

var (
	listenerARN = &kind[string]{noun: "the ARN of a listener of an application load balancer", pattern: listenerPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, listenerLike, "is not the ARN of a listener of an application load balancer", "copy it from the listener's details")
		}}
	ruleARN = &kind[string]{noun: "the ARN of a rule of an application load balancer", pattern: rulePattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, ruleLike, "is not the ARN of a rule of an application load balancer", "copy it from the rule's details")
		}}
	targetGroup = &kind[string]{noun: "the ARN or name of a target group", pattern: groupPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, groupLike, "is not the ARN or name of a target group", "write its name, or its ARN")
		}}
	awsRole = &kind[string]{noun: "the ARN of an IAM role", pattern: rolePattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, roleLike, "is not the ARN of an IAM role", "write one such as arn:aws:iam::123456789012:role/linnet")
		}}
	awsRegion = &kind[string]{noun: "an AWS region", pattern: regionPattern, format: same,
		parse: func(s string) (string, fault) {
			return matched(s, regionLike, "is not an AWS region", "write one such as eu-west-1")
		}}
)

var (
	listenerLike = regexp.MustCompile(listenerPattern)
	ruleLike     = regexp.MustCompile(rulePattern)
	groupLike    = regexp.MustCompile(groupPattern)
	roleLike     = regexp.MustCompile(rolePattern)
	regionLike   = regexp.MustCompile(regionPattern)
)

func matched(s string, like *regexp.Regexp, wrong, hint string) (string, fault) {
	if !like.MatchString(s) {
		return "", fault{wrong, hint}
	}
	return s, fault{}
}
