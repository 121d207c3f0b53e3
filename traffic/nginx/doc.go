// Package nginx splits traffic by a file of Linnet's own that the user's
// configuration of nginx includes: a split_clients block and what belongs to it,
// from which the user's configuration takes the name of an upstream.
//
// A change writes the file whole, has nginx test its configuration, and reloads
// it; the old file comes back where the test or the reload fails. What is served
// is not taken from the file: it holds a small server for Linnet, whose answers
// come from the running workers. It gives owner and epoch, and the arm of any
// place on the line that users are drawn on, so that the weights are measured.
package nginx
