// Package ingressnginx splits traffic by the canary annotations of
// ingress-nginx: beside the user's own Ingress stands a second one for the
// candidate, with the same hosts and paths and marked as a canary, and its
// annotations say which share of the requests it takes.
//
// Only annotations of the canary Ingress are changed. What a release needs
// beside the weight (a finer total, a header for testers) is taken back at its
// end, to what the user had there.
package ingressnginx
