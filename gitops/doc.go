// Package gitops applies release files from a folder that something else keeps up
// to date: a checkout that is pulled, a link that is swapped, a mounted map of
// configuration, files that somebody copies.
//
// A file begins its release once, and only when two looks in a row found it the
// same, so that a file which is still being written begins nothing. Everything
// else is shown and left to people: a file that no longer says what its release
// runs by, one that is gone, one that is refused. Nothing is ever ended, changed or
// begun again because of a file, so that several Linnets may look at copies of one
// folder.
package gitops
