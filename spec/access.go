package spec

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// AccessRules says who may do what: groups, and roles given to them and to others
// by team, service and environment. What no binding gives is denied.
type AccessRules struct {
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	Groups   []AccessGroup
	Bindings []AccessBinding
	// ConfirmedBy is a group whose members may be the second person who breaks the
	// glass, besides owners and admins; "" for none.
	ConfirmedBy string
}

// ActorName gives a name as a login gives it, for what people write by hand: an
// address is the same person in capitals, and is in small letters everywhere.
func ActorName(name string) string {
	if strings.Contains(name, "@") && !strings.Contains(name, ":") {
		return strings.ToLower(name)
	}
	return name
}

// AccessGroup is people under a name, which approvals and bindings use.
type AccessGroup struct {
	Name string
	// Members are names of actors; Claims groups of the identity provider whose
	// members are in this one.
	Members, Claims []string
	// Line is where it stands in the file, from 1.
	Line int
}

// Role is a set of actions that people have together.
type Role string

// The roles. What each may do is told by package access.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
	Owner    Role = "owner"
	Admin    Role = "admin"
)

// AccessBinding gives a role, for the releases that Whom fits.
type AccessBinding struct {
	Role Role
	// To are names of actors, in which * stands for anything, group:NAME for a
	// group, and Everyone.
	To []string
	Whom
	// Line is where it stands in the file, from 1.
	Line int
}

// Everyone in a binding stands for every person who has logged in.
const Everyone = "everyone"

// GroupPrefix stands before the name of a group in a binding.
const GroupPrefix = "group:"

var accessDocument = document[AccessRules]{
	kind: "Access", title: "rules of who may do what", keys: headed("Access", accessRulesKeys), rules: accessRules,
	read: func(a *AccessRules) (*[]byte, *string) { return &a.Text, &a.Hash },
}

// ParseAccess reads a file of kind Access, as Parse reads a release file: name is
// what errors call it, and an error holds all that is wrong.
func ParseAccess(name string, text []byte) (AccessRules, error) {
	return accessDocument.parse(name, text)
}

// FormatAccess writes rules in full, with every default spelled out.
func FormatAccess(a AccessRules) []byte { return accessDocument.format(a) }

// Fits tells whether one of the patterns fits a name; none fits all. * stands for
// anything.
func Fits(patterns []string, name string) bool {
	literal := strings.NewReplacer(`\`, `\\`, "?", `\?`, "[", `\[`, "/", "\x00")
	for _, p := range patterns {
		if fits, err := path.Match(literal.Replace(p), strings.ReplaceAll(name, "/", "\x00")); err == nil && fits {
			return true
		}
	}
	return len(patterns) == 0
}

// accessRules checks what must hold between the keys, and notes the lines.
func accessRules(c *checker, a AccessRules) {
	const bindings, groups = "spec.bindings[", "spec.groups["
	var names []string
	for i := range a.Groups {
		g := &a.Groups[i]
		at := groups + strconv.Itoa(i) + "]"
		g.Line = c.where[at].line
		if slices.Contains(names, g.Name) && g.Name != "" {
			c.fail(at+".name", clip(g.Name)+" is there already", "give each group one entry")
		}
		names = append(names, g.Name)
	}
	for i := range a.Bindings {
		b := &a.Bindings[i]
		at := bindings + strconv.Itoa(i) + "]"
		b.Line = c.where[at].line
		for j, to := range b.To {
			if name, ok := strings.CutPrefix(to, GroupPrefix); ok && !slices.Contains(names, name) {
				c.fail(at+".to["+strconv.Itoa(j)+"]", unknownGroup(name), knownGroups(name, names))
			}
		}
	}
	if by := a.ConfirmedBy; by != "" && !slices.Contains(names, by) {
		c.fail("spec.glass.confirmedBy", unknownGroup(by), knownGroups(by, names))
	}
}

func unknownGroup(name string) string { return "group " + clip(name) + " is not among spec.groups" }

func knownGroups(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "add it there, with its members or the group of the identity provider that it is"
}
