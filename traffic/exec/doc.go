// Package exec lets a command of the user's own split the traffic. It runs once
// for each operation of package contract: the operation is its last argument, the
// request its standard input, the answer its standard output. docs/own-provider.md
// tells how to write one.
//
// No shell reads the command. It gets PATH and HOME and the variables that are
// named, nothing else of Linnet's environment, and the values of those named stay
// out of errors. When its time is up, or the context ends, its whole process group
// is killed.
package exec
