// Package sql is a metric source that asks a database: PostgreSQL, MySQL or
// MariaDB, SQLite, ClickHouse. A metric is one query, which answers with a row
// for each event or for each group of events; its columns say the arm, the time,
// and what is counted. docs/sql.md tells how to write one.
//
// A query gets values as parameters (:from, :candidate), never as text. It runs
// alone, in a transaction that only reads, with a deadline that the server keeps,
// too; when the caller gives up, the server is told.
//
// A database that cannot answer now (no connection, a deadline, a lock) is
// release.ErrUnavailable, after at most two more tries; one that is not there is
// release.ErrNotFound; a refused query, right or password is release.ErrInvalid.
package sql
