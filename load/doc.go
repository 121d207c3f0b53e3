// Package load sends HTTP requests at a rate that does not depend on the
// answers (an open loop), as users do.
//
// A closed loop, where each worker waits for its answer before it asks again,
// asks less often exactly when the service is slow, and so hides the slowness
// from the figures. Here every request has an instant at which it is due,
// latency counts from that instant, and a request that could not be sent
// because too many were waiting already is counted as dropped.
package load
