// Package remotewrite takes what a Prometheus, or anything that speaks its
// remote write protocol, sends: version 1 and version 2. Metadata and start
// timestamps are left out: a series that appears counts from zero here anyway.
//
// Most of a batch are labels that came a few seconds ago, too. They are looked up
// by their bytes and made only once, and the rest is read where it lies.
package remotewrite
