// Package sim is a seeded world in virtual time: a service under load, a
// provider that splits its traffic, and faults of both; and the stories that
// are told in it. A story is a text file of commands with what came of them
// (see testdata), played through the engine as a process would: gather, step,
// record, act, acknowledge.
package sim
