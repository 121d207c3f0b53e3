package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
)

// clickHouse asks by GET, with which the server writes nothing, whoever asks.
type clickHouse struct {
	config Config
	client *web.Client
}

func openClickHouse(c Config) (server, error) {
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(c.Host, strconv.Itoa(c.Port))}
	if c.Encrypted {
		address.Scheme = "https"
	}
	asking := c.web()
	asking.URL = address.String()
	client, err := web.New(web.API{Name: "sql", Title: "ClickHouse's HTTP interface"}, asking)
	if err != nil {
		return nil, err
	}
	return &clickHouse{config: c, client: client}, nil
}

func (s *clickHouse) close() { s.client.Close() }

// typed is a parameter in ClickHouse's own notation.
func typed(n int, p param) string {
	kind := map[paramKind]string{textParam: "String", timeParam: "DateTime64(3, 'UTC')", wholeParam: "Int64"}[p.kind]
	return fmt.Sprintf("{p%d:%s}", n, kind)
}

// escape writes a parameter as the server reads it.
var escape = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// ask implements server.
func (s *clickHouse) ask(ctx context.Context, q question, answer taker) (web.Clock, error) {
	form := url.Values{
		"query": {q.text}, "database": {s.config.Database}, "default_format": {"JSONCompact"},
		// An error comes before the answer, not within it.
		"wait_end_of_query":  {"1"},
		"limit":              {strconv.Itoa(rows.Most + 1)},
		"max_execution_time": {strconv.FormatFloat((s.config.Timeout + graceful).Seconds(), 'f', 0, 64)},
		"cancel_http_readonly_queries_on_client_close": {"1"},
		"date_time_output_format":                      {"iso"},
		"output_format_json_quote_denormals":           {"1"},
	}
	for i, v := range q.values(func(t time.Time) any { return t.UTC().Format(millis) }) {
		form.Set(fmt.Sprintf("param_p%d", i+1), escape.Replace(fmt.Sprint(v)))
	}
	return s.client.Ask(ctx, web.Question{
		Path: "/", Params: form, About: "the query", Explain: explain,
		Read: func(r io.Reader) error { return tableOf(r, answer) },
	})
}

var exception = regexp.MustCompile(`^Code: (\d+)\. (?:DB::Exception: )?((?s:.*?))(?: \(version [^)]*\))?\s*$`)

// explain takes a refusal apart: Code: 62. DB::Exception: Syntax error …
func explain(body []byte) web.Trouble {
	if m := exception.FindSubmatch(body); m != nil {
		return web.Trouble{Kind: "code " + string(m[1]), Message: string(m[2])}
	}
	return web.Trouble{}
}

var errForm = errors.New("JSONCompact was expected; a query must not have a FORMAT of its own")

// tableOf hands an answer on: {"meta": [{"name": …}, …], "data": [[…], …], …}.
func tableOf(r io.Reader, answer taker) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	if err := expect(d, json.Delim('{')); err != nil {
		return err
	}
	columns := -1
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "meta":
			var meta []struct{ Name string }
			if err := d.Decode(&meta); err != nil {
				return err
			}
			names := make([]string, len(meta))
			for i, m := range meta {
				names[i] = m.Name
			}
			columns = len(names)
			if err := answer.columns(names); err != nil {
				return err
			}
		case "data":
			if err := dataOf(d, columns, answer); err != nil {
				return err
			}
		default:
			if err := d.Decode(new(json.RawMessage)); err != nil {
				return err
			}
		}
	}
	if columns < 0 {
		return errForm
	}
	return expect(d, json.Delim('}'))
}

func expect(d *json.Decoder, want json.Delim) error {
	got, err := d.Token()
	if err == nil && got != want {
		err = errForm
	}
	return err
}

func dataOf(d *json.Decoder, columns int, answer taker) error {
	if err := expect(d, json.Delim('[')); err != nil {
		return err
	}
	for d.More() {
		var values []any
		if err := d.Decode(&values); err != nil {
			return err
		}
		if len(values) != columns {
			return errForm
		}
		for i, v := range values {
			switch v := v.(type) {
			case json.Number:
				values[i] = v.String()
			case []any, map[string]any:
				values[i] = fmt.Sprint(v)
			}
		}
		if err := answer.row(values); err != nil {
			return err
		}
	}
	return expect(d, json.Delim(']'))
}
