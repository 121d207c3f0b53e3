// Package app is the program: the command line, the table of providers, and
// the assembly of all parts. Main is a function of its arguments and streams.
package app
