package client

import "time"

// Release is how a release stands; see the API's document for what the fields
// mean.
type Release struct {
	Name          string    `json:"name"`
	Attempt       int       `json:"attempt"`
	Service       string    `json:"service"`
	Team          string    `json:"team"`
	Environment   string    `json:"environment"`
	Author        string    `json:"author"`
	Outcome       string    `json:"outcome"`
	Ended         bool      `json:"ended"`
	Phase         string    `json:"phase"`
	Step          int       `json:"step"`
	Weight        string    `json:"weight"`
	WeightPercent float64   `json:"weight_percent"`
	Reason        Reason    `json:"reason"`
	Started       time.Time `json:"started"`
	Updated       time.Time `json:"updated"`
	Records       uint64    `json:"records"`
	FileSHA256    string    `json:"file_sha256"`
	Pruned        bool      `json:"pruned"`
}

// ID names the release and its attempt.
func (r Release) ID() ID { return ID{r.Name, r.Attempt} }

// The outcomes of a release.
const (
	Running    = "running"
	Promoted   = "promoted"
	RolledBack = "rolled-back"
	Aborted    = "aborted"
)

// Reason is a stable code and one plain sentence.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Releases is a page of them.
type Releases struct {
	Items []Release `json:"items"`
	// Next is the cursor of the next page; empty after the last one.
	Next string `json:"next,omitempty"`
}

// Created is what became of a file.
type Created struct {
	// Created says that the release was begun by it; otherwise it was there.
	Created bool    `json:"created"`
	Release Release `json:"release"`
	// Overridden are the guard rails that the glass was broken for.
	Overridden []Finding `json:"overridden,omitempty"`
}

// Answer is what a release made of an order.
type Answer struct {
	Release Release `json:"release"`
	// Taken says that the release has taken the order, Refused that it then
	// refused it, for the reason given.
	Taken    bool   `json:"taken"`
	Refused  bool   `json:"refused"`
	Decision string `json:"decision,omitempty"`
	Weight   string `json:"weight,omitempty"`
	Reason   Reason `json:"reason"`
}

// Event is one record of a release.
type Event struct {
	Name     string    `json:"name"`
	Attempt  int       `json:"attempt"`
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Decision string    `json:"decision"`
	Phase    string    `json:"phase"`
	Step     int       `json:"step"`
	Weight   string    `json:"weight"`
	Reason   Reason    `json:"reason"`
	Who      string    `json:"who,omitempty"`
	// Quiet is a look in which nothing happened.
	Quiet bool `json:"quiet"`
}

// Finding is a guard rail that a release does not meet.
type Finding struct {
	Rule  string     `json:"rule"`
	Text  string     `json:"text"`
	Until *time.Time `json:"until,omitempty"`
}

// Fault is one thing that is wrong with what was sent.
type Fault struct {
	Location string `json:"location,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Path     string `json:"path,omitempty"`
	Problem  string `json:"problem"`
	Hint     string `json:"hint,omitempty"`
}

// Question asks whether somebody may do something. What is empty is not known;
// an empty Who is whoever asks.
type Question struct {
	Who, What                         string
	Service, Team, Environment, Group string
	// Claims are groups that the identity provider has somebody else in.
	Claims []string
}

// Explanation is the answer to a Question.
type Explanation struct {
	Who     string `json:"who"`
	Action  string `json:"action"`
	Allowed bool   `json:"allowed"`
	// Why is the line of the rules that gives it, or what would be needed.
	Why    string   `json:"why"`
	Groups []string `json:"groups"`
}
