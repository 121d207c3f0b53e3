package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/spec"
)

// Rules is a policy made of a file of kind Access. It is safe for use by several
// goroutines.
type Rules struct {
	file  string
	rules spec.AccessRules
}

// New makes a policy; file is what its answers call the file.
func New(file string, rules spec.AccessRules) *Rules { return &Rules{file, rules} }

// Groups implements Policy.
func (p *Rules) Groups(who Actor) []string {
	var in []string
	for _, g := range p.rules.Groups {
		if p.isIn(who, g) {
			in = append(in, g.Name)
		}
	}
	slices.Sort(in)
	return in
}

func (p *Rules) isIn(who Actor, g spec.AccessGroup) bool {
	claimed := func(claim string) bool { return slices.Contains(who.Groups, claim) }
	return slices.Contains(g.Members, who.Name) || slices.ContainsFunc(g.Claims, claimed)
}

// Decide implements Policy.
func (p *Rules) Decide(who Actor, action Action, on Resource) Decision {
	if why := who.Beyond(action, on); why != "" {
		return Decision{Why: why}
	}
	if action == Approve && who.Kind != Person {
		return Decision{Why: "only people approve, and " + who.Name + " is none"}
	}
	d := p.given(who, action, on)
	if d.Allowed && action == Approve && on.Group != "" && !slices.Contains(p.Groups(who), on.Group) {
		return Decision{Why: fmt.Sprintf("%s is asked, and %s is not in it%s", on.Group, who.Name, p.whereGroup(on.Group))}
	}
	return d
}

// given looks for a binding that gives an action.
func (p *Rules) given(who Actor, action Action, on Resource) Decision {
	groups := p.Groups(who)
	for _, b := range p.rules.Bindings {
		if !May(b.Role, action) || !covers(b.Whom, on) {
			continue
		}
		for _, to := range b.To {
			if means(to, who, groups) {
				return Decision{Allowed: true, Why: fmt.Sprintf("%s gives the role %s%s to %s", p.line(b.Line), b.Role, extent(b.Whom), to)}
			}
		}
	}
	if by := p.rules.ConfirmedBy; action == Confirm && by != "" && slices.Contains(groups, by) {
		return Decision{Allowed: true, Why: fmt.Sprintf("%s lets %s be the second person", p.file, by)}
	}
	return Decision{Why: p.needed(action, on)}
}

// means tells whether a name of a binding stands for somebody. A name that has no
// kind before a colon stands for people alone, whatever * may fit.
func means(to string, who Actor, groups []string) bool {
	if to == spec.Everyone {
		return who.Kind == Person
	}
	if group, ok := strings.CutPrefix(to, spec.GroupPrefix); ok {
		return slices.Contains(groups, group)
	}
	return strings.Contains(to, ":") == strings.Contains(who.Name, ":") && spec.Fits([]string{to}, who.Name)
}

// covers tells whether a binding is for a resource. What is not known of it is not
// covered by a binding that asks for it.
func covers(w spec.Whom, on Resource) bool {
	fits := func(patterns []string, name string) bool {
		return len(patterns) == 0 || name != "" && spec.Fits(patterns, name)
	}
	return fits(w.Services, on.Service) && fits(w.Teams, on.Team) && fits(w.Environments, on.Environment)
}

// needed says what would allow an action, and who sees to it.
func (p *Rules) needed(action Action, on Resource) string {
	var may []string
	for _, r := range Roles() {
		if May(r, action) {
			may = append(may, string(r))
		}
	}
	text := fmt.Sprintf("%s gives it to nobody of that name; it needs the role %s%s", p.file, or(may), about(on))
	var admins []string
	for _, b := range p.rules.Bindings {
		if b.Role == spec.Admin && covers(b.Whom, on) {
			for _, to := range b.To {
				admins = append(admins, fmt.Sprintf("%s (%s)", to, p.line(b.Line)))
			}
		}
	}
	if len(admins) == 0 {
		return text + "; the file names no admin of it"
	}
	const shown = 3
	return text + "; its admins are " + strings.Join(admins[:min(shown, len(admins))], ", ")
}

// extent tells what a binding is for.
func extent(w spec.Whom) string {
	text := ""
	for _, part := range []struct {
		one  string
		list []string
	}{{"service", w.Services}, {"team", w.Teams}, {"environment", w.Environments}} {
		if len(part.list) > 0 {
			text += " of " + part.one + " " + or(part.list)
		}
	}
	return text
}

// about tells what is known of a resource.
func about(on Resource) string {
	for _, part := range []struct{ one, is string }{{"service", on.Service}, {"team", on.Team}, {"environment", on.Environment}} {
		if part.is != "" {
			return fmt.Sprintf(" of service %s, team %s, environment %s",
				cmp.Or(on.Service, "(none)"), cmp.Or(on.Team, "(none)"), cmp.Or(on.Environment, "(none)"))
		}
	}
	return " of everything"
}

func or(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return strings.Join(words, "")
}

func (p *Rules) line(n int) string { return fmt.Sprintf("%s:%d", p.file, n) }

func (p *Rules) whereGroup(name string) string {
	for _, g := range p.rules.Groups {
		if g.Name == name {
			return " (" + p.line(g.Line) + ")"
		}
	}
	return "; " + p.file + " knows no such group"
}
