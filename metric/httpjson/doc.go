// Package httpjson is a metric source that asks any HTTP API which answers in
// JSON (or CSV). What a request looks like and where in the answer time, arm and
// numbers stand is a table of texts: Config. Vendors are rows of such a table
// and no code: Presets.
//
// A question of a metric is written in the API's own language. Values of an arm
// come into it by package template, and the whole of it into the request as
// {{question}}, wherever a text of JSON, a parameter or a field of a form holds
// that: it is escaped there as it must be. A question that uses none of the arm's
// values is asked once, and its answer must tell the arms apart.
//
// The answer is cut into rows, and package rows makes observations of them.
package httpjson
