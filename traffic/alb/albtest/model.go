package albtest

import "regexp"

// The shapes below follow the published model of ELBv2, version 2015-12-01, and
// that of STS for taking on a role, as far as they are in use here. What a
// sentence of the model bounds and not its traits (a weight, say) is checked
// with the actions.

// Simple values.
var (
	anyText  = &shape{kind: text}
	aBoolean = &shape{kind: boolean}
	anyInt   = &shape{kind: integer}
	place    = &shape{kind: integer, min: 1, max: 50_000} // a priority, or an order
	page     = &shape{kind: integer, min: 1, max: 400}
	port     = &shape{kind: integer, min: 1, max: 65_535}
	week     = &shape{kind: integer, min: 1, max: 604_800}
	params   = &shape{kind: mapping, min: 0, max: 10}
	texts    = &shape{kind: list, of: anyText}
	protocol = &shape{kind: text, enum: []string{"HTTP", "HTTPS"}}
	whenNot  = &shape{kind: text, enum: []string{"deny", "allow", "authenticate"}}
	tagKey   = &shape{kind: text, min: 1, max: 128, pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)}
	tagText  = &shape{kind: text, min: 0, max: 256, pattern: regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)}
)

var oidcShape = &shape{kind: structure, members: []member{
	{name: "Issuer", shape: anyText, required: true},
	{name: "AuthorizationEndpoint", shape: anyText, required: true},
	{name: "TokenEndpoint", shape: anyText, required: true},
	{name: "UserInfoEndpoint", shape: anyText, required: true},
	{name: "ClientId", shape: anyText, required: true},
	{name: "ClientSecret", shape: anyText, secret: true},
	{name: "SessionCookieName", shape: anyText},
	{name: "Scope", shape: anyText},
	{name: "SessionTimeout", shape: week},
	{name: "AuthenticationRequestExtraParams", shape: params},
	{name: "OnUnauthenticatedRequest", shape: whenNot},
	{name: "UseExistingClientSecret", shape: aBoolean, secret: true},
}}

var cognitoShape = &shape{kind: structure, members: []member{
	{name: "UserPoolArn", shape: anyText, required: true},
	{name: "UserPoolClientId", shape: anyText, required: true},
	{name: "UserPoolDomain", shape: anyText, required: true},
	{name: "SessionCookieName", shape: anyText},
	{name: "Scope", shape: anyText},
	{name: "SessionTimeout", shape: week},
	{name: "AuthenticationRequestExtraParams", shape: params},
	{name: "OnUnauthenticatedRequest", shape: whenNot},
}}

var jwtShape = &shape{kind: structure, members: []member{
	{name: "JwksEndpoint", shape: anyText, required: true},
	{name: "Issuer", shape: anyText, required: true},
	{name: "AdditionalClaims", shape: &shape{kind: list, min: 0, max: 10, of: &shape{kind: structure, members: []member{
		{name: "Format", shape: &shape{kind: text, enum: []string{"single-string", "string-array", "space-separated-values"}}, required: true},
		{name: "Name", shape: anyText, required: true},
		{name: "Values", shape: texts, required: true},
	}}}},
}}

var redirectShape = &shape{kind: structure, members: []member{
	{name: "Protocol", shape: &shape{kind: text, pattern: regexp.MustCompile(`^(HTTPS?|#\{protocol\})$`)}},
	{name: "Port", shape: anyText},
	{name: "Host", shape: &shape{kind: text, min: 1, max: 128}},
	{name: "Path", shape: &shape{kind: text, min: 1, max: 128}},
	{name: "Query", shape: &shape{kind: text, min: 0, max: 128}},
	{name: "StatusCode", shape: &shape{kind: text, enum: []string{"HTTP_301", "HTTP_302"}}, required: true},
}}

var fixedShape = &shape{kind: structure, members: []member{
	{name: "MessageBody", shape: &shape{kind: text, min: 0, max: 1024}},
	{name: "StatusCode", shape: &shape{kind: text, pattern: regexp.MustCompile(`^(2|4|5)\d\d$`)}, required: true},
	{name: "ContentType", shape: &shape{kind: text, min: 0, max: 32}},
}}

var forwardShape = &shape{kind: structure, members: []member{
	{name: "TargetGroups", shape: &shape{kind: list, of: &shape{kind: structure, members: []member{
		{name: "TargetGroupArn", shape: anyText},
		{name: "Weight", shape: anyInt},
	}}}},
	{name: "TargetGroupStickinessConfig", shape: &shape{kind: structure, members: []member{
		{name: "Enabled", shape: aBoolean},
		{name: "DurationSeconds", shape: anyInt},
	}}},
}}

var actionsShape = &shape{kind: list, of: &shape{kind: structure, members: []member{
	{name: "Type", shape: &shape{kind: text, enum: []string{"forward", "authenticate-oidc", "authenticate-cognito", "redirect", "fixed-response", "jwt-validation"}}, required: true},
	{name: "TargetGroupArn", shape: anyText},
	{name: "AuthenticateOidcConfig", shape: oidcShape},
	{name: "AuthenticateCognitoConfig", shape: cognitoShape},
	{name: "Order", shape: place},
	{name: "RedirectConfig", shape: redirectShape},
	{name: "FixedResponseConfig", shape: fixedShape},
	{name: "ForwardConfig", shape: forwardShape},
	{name: "JwtValidationConfig", shape: jwtShape},
}}}

var valuesShape = &shape{kind: structure, members: []member{{name: "Values", shape: texts}, {name: "RegexValues", shape: texts}}}

var conditionsShape = &shape{kind: list, of: &shape{kind: structure, members: []member{
	{name: "Field", shape: &shape{kind: text, min: 0, max: 64}},
	{name: "Values", shape: texts},
	{name: "HostHeaderConfig", shape: valuesShape},
	{name: "PathPatternConfig", shape: valuesShape},
	{name: "HttpHeaderConfig", shape: &shape{kind: structure, members: []member{
		{name: "HttpHeaderName", shape: anyText}, {name: "Values", shape: texts}, {name: "RegexValues", shape: texts},
	}}},
	{name: "RegexValues", shape: texts},
}}}

var tagsShape = &shape{kind: list, min: 1, max: 50, of: &shape{kind: structure, members: []member{
	{name: "Key", shape: tagKey, required: true},
	{name: "Value", shape: tagText},
}}}

var ruleShape = &shape{kind: structure, members: []member{
	{name: "RuleArn", shape: anyText},
	{name: "Priority", shape: anyText},
	{name: "Conditions", shape: conditionsShape},
	{name: "Actions", shape: actionsShape},
	{name: "IsDefault", shape: aBoolean},
}}

var listenerShape = &shape{kind: structure, members: []member{
	{name: "ListenerArn", shape: anyText},
	{name: "LoadBalancerArn", shape: anyText},
	{name: "Port", shape: anyInt},
	{name: "Protocol", shape: anyText},
	{name: "DefaultActions", shape: actionsShape},
}}

var groupShape = &shape{kind: structure, members: []member{
	{name: "TargetGroupArn", shape: anyText},
	{name: "TargetGroupName", shape: anyText},
	{name: "Protocol", shape: anyText},
	{name: "Port", shape: anyInt},
	{name: "TargetType", shape: anyText},
}}

var attributesShape = &shape{kind: list, of: &shape{kind: structure, members: []member{
	{name: "Key", shape: &shape{kind: text, min: 0, max: 256}},
	{name: "Value", shape: anyText},
}}}

var targetShape = &shape{kind: structure, members: []member{
	{name: "Id", shape: anyText, required: true},
	{name: "Port", shape: port},
}}

// The answers.
var (
	rulesOut  = &shape{kind: structure, members: []member{{name: "Rules", shape: &shape{kind: list, of: ruleShape}}, {name: "NextMarker", shape: anyText}}}
	heardOut  = &shape{kind: structure, members: []member{{name: "Listeners", shape: &shape{kind: list, of: listenerShape}}}}
	groupsOut = &shape{kind: structure, members: []member{{name: "TargetGroups", shape: &shape{kind: list, of: groupShape}}}}
	attrsOut  = &shape{kind: structure, members: []member{{name: "Attributes", shape: attributesShape}}}
	tagsOut   = &shape{kind: structure, members: []member{{name: "TagDescriptions", shape: &shape{kind: list, of: &shape{kind: structure, members: []member{
		{name: "ResourceArn", shape: anyText}, {name: "Tags", shape: tagsShape},
	}}}}}}
	healthOut = &shape{kind: structure, members: []member{{name: "TargetHealthDescriptions", shape: &shape{kind: list, of: &shape{kind: structure, members: []member{
		{name: "Target", shape: targetShape},
		{name: "TargetHealth", shape: &shape{kind: structure, members: []member{
			{name: "State", shape: anyText}, {name: "Reason", shape: anyText}, {name: "Description", shape: anyText},
		}}},
	}}}}}}
	nothingOut = &shape{kind: structure}
	roleOut    = &shape{kind: structure, members: []member{
		{name: "Credentials", shape: &shape{kind: structure, members: []member{
			{name: "AccessKeyId", shape: anyText}, {name: "SecretAccessKey", shape: anyText},
			{name: "SessionToken", shape: anyText}, {name: "Expiration", shape: anyText},
		}}},
		{name: "AssumedRoleUser", shape: &shape{kind: structure, members: []member{
			{name: "AssumedRoleId", shape: anyText}, {name: "Arn", shape: anyText},
		}}},
	}}
)

// operation is one of the API.
type operation struct {
	service string // as in the scope of a signature
	in, out *shape
	do      func(*Server, *node) (*node, error)
	// writes says that it changes what splits the traffic.
	writes bool
}

const (
	elbService = "elasticloadbalancing"
	stsService = "sts"
)

// operations are all that the server knows.
var operations = map[string]operation{
	"DescribeRules": {service: elbService, do: (*Server).describeRules, out: rulesOut, in: &shape{kind: structure, members: []member{
		{name: "ListenerArn", shape: anyText}, {name: "RuleArns", shape: texts}, {name: "Marker", shape: anyText}, {name: "PageSize", shape: page},
	}}},
	"DescribeListeners": {service: elbService, do: (*Server).describeListeners, out: heardOut, in: &shape{kind: structure, members: []member{
		{name: "ListenerArns", shape: &shape{kind: list, of: anyText, min: 1, max: 20}, required: true},
	}}},
	"DescribeTargetGroups": {service: elbService, do: (*Server).describeGroups, out: groupsOut, in: &shape{kind: structure, members: []member{
		{name: "Names", shape: &shape{kind: list, of: anyText, min: 1, max: 20}, required: true},
	}}},
	"DescribeTargetGroupAttributes": {service: elbService, do: (*Server).describeAttributes, out: attrsOut, in: &shape{kind: structure, members: []member{
		{name: "TargetGroupArn", shape: anyText, required: true},
	}}},
	"DescribeTargetHealth": {service: elbService, do: (*Server).describeHealth, out: healthOut, in: &shape{kind: structure, members: []member{
		{name: "TargetGroupArn", shape: anyText, required: true}, {name: "Targets", shape: &shape{kind: list, of: targetShape}},
	}}},
	"DescribeTags": {service: elbService, do: (*Server).describeTags, out: tagsOut, in: &shape{kind: structure, members: []member{
		{name: "ResourceArns", shape: &shape{kind: list, of: anyText, min: 1, max: 20}, required: true},
	}}},
	"AddTags": {service: elbService, do: (*Server).addTags, out: nothingOut, in: &shape{kind: structure, members: []member{
		{name: "ResourceArns", shape: &shape{kind: list, of: anyText, min: 1, max: 20}, required: true}, {name: "Tags", shape: tagsShape, required: true},
	}}},
	"RemoveTags": {service: elbService, do: (*Server).removeTags, out: nothingOut, in: &shape{kind: structure, members: []member{
		{name: "ResourceArns", shape: texts, required: true}, {name: "TagKeys", shape: &shape{kind: list, of: tagKey}, required: true},
	}}},
	"ModifyRule": {service: elbService, do: (*Server).modifyRule, out: rulesOut, writes: true, in: &shape{kind: structure, members: []member{
		{name: "RuleArn", shape: anyText, required: true}, {name: "Conditions", shape: conditionsShape}, {name: "Actions", shape: actionsShape},
	}}},
	"ModifyListener": {service: elbService, do: (*Server).modifyListener, out: heardOut, writes: true, in: &shape{kind: structure, members: []member{
		{name: "ListenerArn", shape: anyText, required: true}, {name: "Port", shape: port}, {name: "Protocol", shape: protocol},
		{name: "DefaultActions", shape: actionsShape},
	}}},
	"CreateRule": {service: elbService, do: (*Server).createRule, out: rulesOut, in: &shape{kind: structure, members: []member{
		{name: "ListenerArn", shape: anyText, required: true}, {name: "Conditions", shape: conditionsShape, required: true},
		{name: "Priority", shape: place, required: true}, {name: "Actions", shape: actionsShape, required: true},
	}}},
	"CreateListener": {service: elbService, do: (*Server).createListener, out: heardOut, in: &shape{kind: structure, members: []member{
		{name: "LoadBalancerArn", shape: anyText, required: true}, {name: "Protocol", shape: protocol}, {name: "Port", shape: port},
		{name: "DefaultActions", shape: actionsShape, required: true},
	}}},
	"CreateTargetGroup": {service: elbService, do: (*Server).createGroup, out: groupsOut, in: &shape{kind: structure, members: []member{
		{name: "Name", shape: &shape{kind: text, pattern: regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$`)}, required: true},
		{name: "Protocol", shape: protocol}, {name: "Port", shape: port}, {name: "VpcId", shape: anyText},
		{name: "TargetType", shape: &shape{kind: text, enum: []string{"instance", "ip", "lambda"}}},
	}}},
	"ModifyTargetGroupAttributes": {service: elbService, do: (*Server).modifyAttributes, out: attrsOut, in: &shape{kind: structure, members: []member{
		{name: "TargetGroupArn", shape: anyText, required: true}, {name: "Attributes", shape: attributesShape, required: true},
	}}},
	"AssumeRole": {service: stsService, do: (*Server).assumeRole, out: roleOut, in: &shape{kind: structure, members: []member{
		{name: "RoleArn", shape: &shape{kind: text, min: 20, max: 2048}, required: true},
		{name: "RoleSessionName", shape: &shape{kind: text, min: 2, max: 64, pattern: regexp.MustCompile(`^[\w+=,.@-]*$`)}, required: true},
		{name: "ExternalId", shape: &shape{kind: text, min: 2, max: 1224}}, {name: "DurationSeconds", shape: &shape{kind: integer, min: 900, max: 43_200}},
	}}},
}
