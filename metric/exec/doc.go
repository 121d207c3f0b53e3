// Package exec is a metric source that is a command of the user's own: for each
// metric it gets the question as one JSON document on its standard input, and
// prints observations, one JSON object a line, as `linnet judge` takes them
// (package ndjson). docs/exec-source.md tells how to write one; package command
// tells how it is run.
package exec
