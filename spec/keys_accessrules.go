package spec

import (
	"slices"
	"strings"
)

var (
	actorName = &kind[string]{noun: "a name", parse: parseActor, format: same}
	// personName is who somebody of another system is here.
	personName = &kind[string]{noun: "a name", parse: parseName, format: same}
	// subjectName is whom a role is given to.
	subjectName = &kind[string]{noun: "a name, in which * stands for anything, group:NAME or everyone", parse: parseSubject, format: same}
)

func parseActor(s string) (string, fault) {
	if strings.Contains(s, "*") {
		return "", fault{"has a *, and a member is one person", "name each of them, or a group of the identity provider with claims"}
	}
	return parseName(s)
}

// parseName reads what somebody is called.
func parseName(s string) (string, fault) {
	s, bad := parseText(s)
	return ActorName(s), bad
}

func parseSubject(s string) (string, fault) {
	if strings.Trim(s, "*") == "" {
		return "", fault{"would be anybody at all", "write everyone for all people who have logged in, or name programs by their kind, such as service:*"}
	}
	return parseName(s)
}

var accessRulesKeys = &object[AccessRules]{keys: []key[AccessRules]{
	{name: "groups", doc: "Groups of people, for bindings and approvals.", words: "none",
		bind: at(func(a *AccessRules) *[]AccessGroup { return &a.Groups }, &listOf[AccessGroup]{item: accessGroupKeys})},
	{name: "bindings", doc: "Who has which role, for which releases. What none of them gives is denied.", words: "none",
		bind: at(func(a *AccessRules) *[]AccessBinding { return &a.Bindings }, &listOf[AccessBinding]{item: accessBindingKeys})},
	grouped("glass", "How the glass is broken: past guard rails, freezes and quorums, with a second person.", within(accessGlassKeys)),
}}

var accessGroupKeys = &object[AccessGroup]{keys: []key[AccessGroup]{
	{name: "name", doc: "What the group is called here.", need: true, sample: "release-managers",
		bind: at(func(g *AccessGroup) *string { return &g.Name }, groupName)},
	{name: "members", doc: "People in it, by the names they log in with.", words: "none",
		bind: at(func(g *AccessGroup) *[]string { return &g.Members }, &listOf[string]{item: actorName})},
	{name: "claims", doc: "Groups of the identity provider whose members are in it.", words: "none",
		bind: at(func(g *AccessGroup) *[]string { return &g.Claims }, &listOf[string]{item: freeText})},
}}

var accessBindingKeys = &object[AccessBinding]{keys: slices.Concat([]key[AccessBinding]{
	{name: "role", doc: "What they may do; see the table of roles.", need: true, sample: "operator",
		bind: at(func(b *AccessBinding) *Role { return &b.Role }, oneOf(Viewer, Operator, Approver, Owner, Admin))},
	{name: "to", doc: "Who has it: names of people (anna@example.com), service accounts (service:ci), folders and hooks (folder:*, hook:registry), groups (group:release-managers), or everyone who has logged in.", need: true, sample: "[group:payments]",
		bind: at(func(b *AccessBinding) *[]string { return &b.To }, &listOf[string]{item: subjectName, min: 1})},
}, scopeKeys(func(b *AccessBinding) *Whom { return &b.Whom }))}

var accessGlassKeys = &object[AccessRules]{keys: []key[AccessRules]{
	{name: "confirmedBy", doc: "A group whose members may be the second person, besides owners and admins of the release.", words: "none",
		bind: at(func(a *AccessRules) *string { return &a.ConfirmedBy }, groupName)},
}}
