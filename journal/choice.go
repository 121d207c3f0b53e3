package journal

import (
	"context"
	"strings"
)

// Choice says which releases are wanted. What is empty chooses all.
type Choice struct {
	Service, Team, Environment string
	// Outcome is how they ended. Unfinished and Ended choose by whether they did;
	// at most one of the two is set.
	Outcome           Outcome
	Unfinished, Ended bool
	// Text is a part of their name or service, in capitals or not.
	Text string
	// Before is the Place of the last one that is known already; 0 for none.
	Before int64
	// Most is how many are given at most, from 1 to 10,000.
	Most int
}

// Choose gives releases of a choice, the last begun first.
func (r *Reader) Choose(ctx context.Context, c Choice) ([]Summary, error) {
	where, args := c.where()
	return r.summaries(ctx, `SELECT `+entryColumns+` FROM releases`+where+` ORDER BY id DESC LIMIT ?`,
		append(args, min(max(c.Most, 1), maxList))...)
}

// where is the condition of a choice, and its arguments.
func (c Choice) where() (string, []any) {
	var all []string
	var args []any
	add := func(wanted bool, condition string, values ...any) {
		if wanted {
			all, args = append(all, condition), append(args, values...)
		}
	}
	add(c.Service != "", "service = ?", c.Service)
	add(c.Team != "", "team = ?", c.Team)
	add(c.Environment != "", "environment = ?", c.Environment)
	add(c.Outcome != "", "outcome = ?", c.Outcome)
	add(c.Unfinished, "outcome = '' AND live = 1")
	add(c.Ended, "outcome <> ''")
	part := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(c.Text)) + "%"
	add(c.Text != "", `(lower(name) LIKE ? ESCAPE '\' OR lower(service) LIKE ? ESCAPE '\')`, part, part)
	add(c.Before > 0, "id < ?", c.Before)
	if len(all) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(all, " AND "), args
}
