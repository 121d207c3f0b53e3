// Package demo is a small HTTP service to try a release on: it answers with
// the latency and the few errors of an ordinary service, measures itself for
// Prometheus, and can be told to be bad in one of several ways.
//
// It waits on timers and works on nothing, so that two versions and their load
// fit on one small machine without disturbing each other's figures.
package demo
