// Package proxy is Linnet's own splitter: it stands in front of the arms of a
// service, sends each request to one of them by the weights of a
// release.Route, and counts what each arm answered.
//
// A Server has two faces. Handler (or Serve) takes the traffic. Apply,
// Observed and Renew set and read the route; AdminHandler offers the same over
// HTTP, and Client is the other end of it, so that whoever moves the weights
// need not know whether the proxy runs in the same process.
//
// # What keeps users safe
//
// A route carries an epoch, and the proxy refuses one older than what it
// serves, so a process that was left behind cannot raise a weight again. A
// route may be a lease: when nobody renews it in time, all traffic returns to
// the first arm, without a timer having to fire, as each request looks at the
// lease itself. A change of weight is written to the state file before it
// takes effect, so that a restart goes on with it, or back to the first arm
// when the lease ran out meanwhile.
package proxy
