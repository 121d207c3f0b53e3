// Package spec reads release files.
//
// A release file is YAML of a fixed shape. One table (keys*.go) holds every
// key with its meaning, how it is written and its default; the parser, the
// defaults, Format, the JSON Schema and the reference page all come from that
// table, so a key is added in one place.
//
// Parsing goes in three passes, and each goes on past what it finds, so that a
// person sees all that is wrong at once:
//
//	text → tree      read.go, YAML with positions; tricks of YAML refused
//	tree → File      shape.go, each key against the table
//	File → rules     rules.go, what must hold between keys
package spec
