// Package release holds the nouns that cross Linnet's borders: arms, weights,
// routes, metrics, queries, observations, notices and reasons.
//
// Everything here is plain data without behaviour, and the package imports
// nothing of ours, so that an adapter (a traffic provider, a metric source, a
// notice channel) needs to learn this one package and its vendor's client.
package release
