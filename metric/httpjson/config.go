package httpjson

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// Config says what a request looks like and how its answer is read.
//
// Its texts may hold {{question}}; the values of an arm (package template), which
// then is asked for by itself; {{from}}, {{to}} and their kin, the stretch that is
// asked for, {{step}}; and Values. A text of Headers, Params, Form that comes out
// empty is left out of the request.
type Config struct {
	// Access is where the API is, with what credentials; its Headers may hold
	// Values.
	Access web.Config
	API    web.API
	// Method is GET where it is empty, POST with a Form or Body.
	Method string
	// Path is added to that of the URL.
	Path   string
	Params map[string]string
	Form   map[string]string
	// Body is JSON or any other text. In JSON, texts are filled one by one, and one
	// that is just "{{number x}}" becomes the number x; a question that is a JSON
	// object itself is sent in place of all of it.
	Body string
	// Values may be used in the texts besides.
	Values map[string]string
	// Step is how long a stretch is that the API tells one number of; whole
	// seconds. What is asked for begins and ends at whole steps since 1970; a row
	// that does not counts with the step that it lies in.
	Step time.Duration
	// Most is how many stretches one request may ask for; 0 for any number.
	Most int
	// Unlabelled says that answers have neither arm nor labels, so that every
	// question must use a value of the arm, and there are no segments.
	Unlabelled bool
	// Stepped says that a question itself must say how long its stretches are, by
	// {{step}} or {{stepMs}}.
	Stepped bool
	// Counted are words of the API's language; a question that counts must hold one
	// of them, since it would be answered with rates or averages else.
	Counted []string
	// Writes is what no question may hold, because it would change what it asks;
	// nil where the API cannot be made to.
	Writes *regexp.Regexp

	Mapping
}

// Mapping is how an answer is read.
//
// A path is a JSONPath (RFC 9535) that begins with $, the row; each ^ before it
// goes one level out: ^$ is what the row was found in. Of several nodes that a
// path finds, the first counts.
type Mapping struct {
	// CSV says that the answer is a table in CSV. Each of its records is an object
	// of the texts under the names of its first line, in a list of all; an empty
	// line, or annotations in lines with #, begin another table.
	CSV bool
	// Rows lead from the whole answer to its rows, each within what the one before
	// found. Without any, the answer is one row; of CSV, each record is.
	Rows []Level
	// Time is the path to a row's time, in TimeFormat: s, ms, us or ns since 1970,
	// or a layout of package time (in UTC where it names no zone); "" for RFC 3339.
	Time, TimeFormat string
	// AtEnd says that the time is the end of the row's stretch, not its begin.
	AtEnd bool
	// Arm is the path to what names the row's arm: a text, or a list of texts of
	// which one does. Without it, a row is of the arm whose labels all are among
	// its own.
	Arm string
	// Labels are paths to a row's labels; Tags is a path to all: an object, a list
	// of texts such as "version:1.5.0", or such texts with commas between. A label
	// that is in neither is looked for among the members of the row.
	Labels map[string]string
	Tags   string
	// Value is the path to the number. A metric with one query names members of the
	// row instead, or paths.
	Value string
	// Bound is the path to the upper bound of a histogram's bucket, or the label that
	// it is; one that is missing or null is infinite. Cumulative says that buckets count what lies in
	// lower ones too.
	Bound      string
	Cumulative bool
	// Totals says that numbers are running totals of counters, which begin anew at
	// times; what they gained counts. Lookback is how long before the stretch the
	// last total before it is looked for; 0 means DefaultLookback.
	Totals   bool
	Lookback time.Duration

	// Warnings are paths of the whole answer: what is there, and not false, zero or
	// empty, is a warning.
	Warnings []string
	// Errors are such paths to errors inside an answer; one of them that holds one
	// of the words Busy may go right later. Of an object, its message or reason is
	// shown. They also tell what a refusal says.
	Errors []string
	Busy   []string
	Next   Next
}

// Level is how rows lie in what holds them: one of its fields is set.
type Level struct {
	// Each is a path; every node that it finds is one.
	Each string
	// Entries is a path to an object; every member is one: {key: …, value: …}.
	Entries string
	// Zip are paths by names. The first nodes of all are one, {name: node, …}, as
	// are the second, and so on.
	Zip map[string]string
	// Columns is a path to names, Cells a path to rows that each are a list in that
	// order; every row is one: {column: cell, …}.
	Columns, Cells string
}

// Next is how the next page of an answer is asked for.
type Next struct {
	// Path leads to what says so: a URL, on the same host, or what the parameter
	// Param must be. Where it finds nothing, the page was the last.
	Path  string
	Param string
	// Alone says that the other parameters are left out then.
	Alone bool
}

// DefaultLookback is how long before a stretch the last total is looked for.
const DefaultLookback = 10 * time.Minute

const (
	maxPages    = 50
	maxRequests = 100 // a look waits for some seconds
	atOnce      = 4   // questions
	maxAnswer   = 32 << 20
	question    = "question"
	jsonName    = "json"
)

// Source asks one API. It is safe for concurrent use.
type Source struct {
	config Config
	web    *web.Client
	body   any             // nil where Body is no JSON
	uses   map[string]bool // values that the texts of the request hold
	read   reader
	bounds rows.Bounds
	// sighted is when running totals were first seen.
	sighted sightings
}

// New makes a source; nothing is asked yet. An error wraps release.ErrInvalid
// and names the field.
func New(c Config) (*Source, error) {
	s, err := prepare(c)
	if err != nil {
		return nil, err
	}
	c = s.config
	access, err := c.access()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.API.Name, err)
	}
	s.web, err = web.New(c.API, access)
	return s, err
}

// access fills Values into the texts of Access.
func (c Config) access() (web.Config, error) {
	f := filler{texts: c.Values}
	access := c.Access
	access.URL = f.text(access.URL)
	access.Headers = map[string]string{}
	for name, text := range c.Access.Headers {
		if filled := f.text(text); filled != "" {
			access.Headers[name] = filled
		}
	}
	return access, f.err
}

func prepare(c Config) (*Source, error) {
	if c.API.Name == "" {
		c.API = web.API{Name: jsonName, Title: "the API that the file describes"}
	}
	s, err := ready(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.API.Name, err)
	}
	return s, nil
}

func ready(c Config) (*Source, error) {
	switch {
	case c.Method != "":
	case c.Body != "" || len(c.Form) > 0:
		c.Method = http.MethodPost
	default:
		c.Method = http.MethodGet
	}
	switch {
	case c.Step < time.Second || c.Step%time.Second != 0:
		return nil, fmt.Errorf("step must be whole seconds: %w", release.ErrInvalid)
	case c.Body != "" && len(c.Form) > 0:
		return nil, fmt.Errorf("body and form exclude each other: %w", release.ErrInvalid)
	}
	if c.Lookback == 0 {
		c.Lookback = DefaultLookback
	}
	s := &Source{config: c, body: bodyOf(c.Body)}
	var err error
	if s.uses, err = s.names(); err != nil {
		return nil, err
	}
	if !s.uses[question] {
		return nil, fmt.Errorf("neither path, params, form nor body holds {{question}}: %w", release.ErrInvalid)
	}
	s.read, err = readerOf(c.Mapping, c.Step)
	return s, err
}

// Close ends idle connections.
func (s *Source) Close() { s.web.Close() }

// names are what the request's texts use.
func (s *Source) names() (map[string]bool, error) {
	all := map[string]bool{}
	for _, text := range s.texts() {
		names, err := template.Names(text)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all[strings.TrimPrefix(name, numberPrefix)] = true
		}
	}
	return all, nil
}

func (s *Source) texts() []string {
	texts := []string{s.config.Path, s.config.Body}
	for _, m := range []map[string]string{s.config.Params, s.config.Form} {
		for _, text := range m {
			texts = append(texts, text)
		}
	}
	return texts
}
