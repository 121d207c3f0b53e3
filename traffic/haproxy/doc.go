// Package haproxy moves weights in a running HAProxy through the socket of its
// runtime API, without a reload.
//
// It has two ways, of which a Config picks one:
//
//   - Servers: an arm is one or several servers of one backend, and their
//     weights are set. Nothing in the configuration changes, but a weight of 0
//     leaves users whom a cookie of HAProxy's pins to a server, and there is no
//     room for a stamp: a stale writer is seen, not refused.
//   - Map: an arm is a backend, and the frontend draws it for each request by
//     one entry of a map that Linnet sets. Weights are as fine as they come,
//     testers and sticky users work, and the entry holds owner and epoch.
//
// What HAProxy holds at run time ends with its process. In the map's way the
// file that HAProxy starts from can be written too; in any case reading back
// shows the old weights after a restart, and the next Apply puts them right.
package haproxy
