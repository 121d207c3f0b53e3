package haproxy

import (
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// server is a server of a backend, as it is now.
type server struct {
	name string
	// weight is what HAProxy balances by.
	weight int64
	// out says that somebody took it out of service: drained, or in maintenance.
	out bool
	// up says that its checks, where it has some, let it take traffic.
	up bool
	// checked says that a check has passed; unchecked that there is none.
	checked, unchecked bool
	// backup says that it serves only where no other can.
	backup bool
}

// What `show servers state` means by its numbers.
const (
	opRunning   = 2           // srv_op_state
	outOfUse    = 0x63 | 0x18 // srv_admin_state: in maintenance for any reason, or drained
	checkPassed = 3           // srv_check_result; more is a pass with a condition
	checkOn     = 0x02 | 0x04 // srv_check_state: configured, and enabled
)

// backend reads the servers of a backend, and by which algorithm it balances,
// "" where HAProxy does not tell.
func (s socket) backend(ctx context.Context, name string) (servers []server, algorithm string, err error) {
	states, err := s.ask(ctx, "show servers state "+name)
	if err != nil {
		return nil, "", err
	}
	stats, err := s.ask(ctx, "show stat "+name+" 6 -1") // the backend and its servers
	if err != nil {
		return nil, "", err
	}
	if servers, err = parseStates(states); err == nil {
		algorithm, err = parseStats(stats, servers)
	}
	if err != nil {
		return nil, "", fmt.Errorf("haproxy at %s: backend %q: %w", s.address, name, err)
	}
	return servers, algorithm, nil
}

// parseStates reads an answer to `show servers state`: the version of its form,
// a line that names the columns, and a line for each server.
func parseStates(text string) ([]server, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 || lines[0] != "1" || !strings.HasPrefix(lines[1], "# ") {
		return nil, fmt.Errorf("the answer is no state of servers, %.200q: %w", text, release.ErrUnavailable)
	}
	names := strings.Fields(lines[1][1:])
	var servers []server
	for _, line := range lines[2:] {
		row := fields(names, strings.Fields(line))
		number := map[string]int64{}
		for _, name := range []string{"srv_uweight", "srv_op_state", "srv_admin_state", "srv_check_result", "srv_check_state"} {
			n, err := strconv.ParseInt(row[name], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the answer has a line that is no server's state, %.200q: %w", line, release.ErrUnavailable)
			}
			number[name] = n
		}
		servers = append(servers, server{
			name: row["srv_name"], weight: number["srv_uweight"], out: number["srv_admin_state"]&outOfUse != 0,
			up: number["srv_op_state"] == opRunning, checked: number["srv_check_result"] >= checkPassed,
			unchecked: number["srv_check_state"]&checkOn != checkOn,
		})
		if len(servers) > mostServers {
			return nil, fmt.Errorf("it has more than %d servers: %w", mostServers, release.ErrInvalid)
		}
	}
	return servers, nil
}

// parseStats adds to servers what only `show stat` tells, and returns the
// algorithm of the backend.
func parseStats(text string, servers []server) (algorithm string, err error) {
	head, ok := strings.CutPrefix(strings.TrimSpace(text), "# ")
	if !ok {
		return "", fmt.Errorf("the answer is no statistics, %.200q: %w", text, release.ErrUnavailable)
	}
	read := csv.NewReader(strings.NewReader(head))
	read.FieldsPerRecord = -1
	rows, err := read.ReadAll()
	if err != nil || len(rows) == 0 {
		return "", fmt.Errorf("the answer is no statistics, %.200q: %w", text, release.ErrUnavailable)
	}
	for _, r := range rows[1:] {
		row := fields(rows[0], r)
		if row["svname"] == "BACKEND" {
			algorithm = row["algo"]
			continue
		}
		for i := range servers {
			if servers[i].name == row["svname"] {
				servers[i].backup = row["bck"] == "1"
				// One that follows another's checks has none of its own.
				servers[i].checked = servers[i].checked || row["tracked"] != ""
				servers[i].unchecked = servers[i].unchecked && row["tracked"] == ""
			}
		}
	}
	return algorithm, nil
}

// fields names the values of a row; what the row lacks is "".
func fields(names, values []string) map[string]string {
	row := map[string]string{}
	for i, name := range names {
		if i < len(values) {
			row[name] = values[i]
		}
	}
	return row
}
