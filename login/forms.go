package login

import (
	"time"

	"github.com/linnet-project/linnet/access"
)

// TokenForm is a token as the API and the command line show it.
type TokenForm struct {
	ID       string     `json:"id" doc:"Names the token; no secret." example:"3f2a9c0d1e4b5a697887"`
	Name     string     `json:"name" doc:"What people call it."`
	Owner    string     `json:"owner" doc:"Who whoever sends it is." example:"service:ci"`
	Actions  []string   `json:"actions,omitempty" doc:"What it is for; absent for whatever its owner may."`
	Services []string   `json:"services,omitempty" doc:"The services it is for; absent for all of its owner's."`
	Teams    []string   `json:"teams,omitempty" doc:"The teams it is for; absent for all of its owner's."`
	Made     time.Time  `json:"made"`
	MadeBy   string     `json:"made_by"`
	Ends     time.Time  `json:"ends"`
	Used     *time.Time `json:"used,omitempty" doc:"When it was used last, to the minute; absent for never."`
	Revoked  *time.Time `json:"revoked,omitempty" doc:"Since when it is not taken; absent for not revoked."`
	// Token is the token itself.
	Token string `json:"token,omitempty" doc:"The token itself: only in the answer to the request that made it, and kept nowhere."`
}

// FormOf is the form of a token; text is told where it has just been made.
func FormOf(t Token, text string) TokenForm {
	f := TokenForm{ID: t.ID, Name: t.Name, Owner: t.Owner, Services: t.For.Services, Teams: t.For.Teams,
		Made: t.Made, MadeBy: t.MadeBy, Ends: t.Ends, Used: maybe(t.Used), Revoked: maybe(t.Revoked), Token: text}
	for _, a := range t.For.Actions {
		f.Actions = append(f.Actions, string(a))
	}
	return f
}

// WishForm asks for a token.
type WishForm struct {
	Name     string   `json:"name" minLength:"1" maxLength:"200" doc:"What people call it." example:"the pipeline of checkout"`
	Owner    string   `json:"owner,omitempty" maxLength:"200" doc:"Whose it is; absent for who asks. A service account that does not exist is made." example:"service:ci"`
	Actions  []string `json:"actions,omitempty" maxItems:"100" doc:"What it is for; absent for whatever its owner may."`
	Services []string `json:"services,omitempty" maxItems:"100" doc:"The services it is for; absent for all."`
	Teams    []string `json:"teams,omitempty" maxItems:"100" doc:"The teams it is for; absent for all."`
	Life     int64    `json:"life_s,omitempty" minimum:"0" maximum:"31622400" doc:"How long it lives, in seconds; absent for as long as any may."`
}

// Wish is what the form asks for.
func (f WishForm) Wish() Wish {
	w := Wish{Name: f.Name, Owner: f.Owner, Life: time.Duration(f.Life) * time.Second,
		For: Narrowing{Services: f.Services, Teams: f.Teams}}
	for _, a := range f.Actions {
		w.For.Actions = append(w.For.Actions, access.Action(a))
	}
	return w
}

// AccountForm is a service account as the API and the command line show it.
type AccountForm struct {
	Name     string     `json:"name" example:"service:ci"`
	Made     time.Time  `json:"made"`
	MadeBy   string     `json:"made_by"`
	Disabled *time.Time `json:"disabled,omitempty" doc:"Since when none of its tokens is taken; absent where they are."`
}

// FormOfAccount is the form of a service account.
func FormOfAccount(a Account) AccountForm {
	return AccountForm{Name: a.Name, Made: a.Made, MadeBy: a.MadeBy, Disabled: maybe(a.Disabled)}
}

func maybe(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
