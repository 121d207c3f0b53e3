package sql

import (
	"context"
	"fmt"
	"time"

	"github.com/linnet-project/linnet/metric/web"
)

// dialect is what differs between databases.
type dialect struct {
	quoting
	// placeholder stands for the n-th parameter in a query.
	placeholder func(n int, p param) string
	open        func(Config) (server, error)
}

// server is a database that can be asked.
type server interface {
	// ask hands the answer on, row by row, and tells what it saw of the server's
	// clock. A failure among its errors may be worth another try.
	ask(ctx context.Context, q question, answer taker) (web.Clock, error)
	close()
}

// taker takes an answer: its columns once, then each row, which is valid until
// the next. An error ends the answer.
type taker interface {
	columns(names []string) error
	row(values []any) error
}

// dialects is the table of databases.
var dialects = map[Dialect]dialect{
	PostgreSQL: {
		quoting:     quoting{escapes: true, nested: true, dollar: true},
		placeholder: func(n int, _ param) string { return fmt.Sprintf("$%d", n) },
		open:        openPostgres,
	},
	MySQL: {
		quoting:     quoting{backslash: true, hash: true, dashSpace: true},
		placeholder: func(int, param) string { return "?" },
		open:        openMySQL,
	},
	SQLite: {
		quoting:     quoting{brackets: true},
		placeholder: func(int, param) string { return "?" },
		open:        openSQLite,
	},
	ClickHouse: {
		quoting:     quoting{backslash: true, hash: true, dollar: true},
		placeholder: typed,
		open:        openClickHouse,
	},
}

// millis is a time as text, in UTC.
const millis = "2006-01-02 15:04:05.000"

// values are a question's parameters as drivers take them, a time by its form.
func (q question) values(form func(time.Time) any) []any {
	out := make([]any, len(q.args))
	for i, p := range q.args {
		switch p.kind {
		case timeParam:
			out[i] = form(p.time)
		case wholeParam:
			out[i] = p.n
		default:
			out[i] = p.text
		}
	}
	return out
}
