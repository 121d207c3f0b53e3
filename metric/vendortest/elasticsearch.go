package vendortest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Elasticsearch is a server of _search with aggregations, as Elasticsearch's and
// OpenSearch's references have it ("Date histogram aggregation", "Filter
// aggregation", "Composite aggregation", "Search API"). An event is so many
// documents as its Value says, in the index of its Name. Token is an API key as
// "id:key".
func Elasticsearch(c Config) *Server { return newServer(c, elasticsearch{}) }

type elasticsearch struct{}

func (elasticsearch) admit(c Config, r request) bool {
	if c.Token != "" {
		return r.Header.Get("Authorization") == "ApiKey "+base64.StdEncoding.EncodeToString([]byte(c.Token))
	}
	return basicOrBearer(c, r)
}

func (elasticsearch) refuse(status int, message string) reply {
	kind := map[int]string{
		http.StatusUnauthorized: "security_exception", http.StatusForbidden: "security_exception",
		http.StatusNotFound: "index_not_found_exception", http.StatusTooManyRequests: "es_rejected_execution_exception",
		http.StatusBadRequest: "parsing_exception",
	}[status]
	if status == http.StatusUnauthorized {
		message = "missing authentication credentials for REST request [/requests/_search]"
	}
	cause := map[string]any{"type": kind, "reason": message}
	return jsonReply(status, map[string]any{"error": map[string]any{"root_cause": []any{cause}, "type": kind, "reason": message}, "status": status})
}

// aggregation is one of a request: its kind with its options, and those below.
type aggregation struct {
	kind    string
	options map[string]any
	below   map[string]aggregation
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *aggregation) UnmarshalJSON(b []byte) error {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for name, part := range parts {
		if name == "aggs" || name == "aggregations" {
			if err := json.Unmarshal(part, &a.below); err != nil {
				return err
			}
			continue
		}
		if a.kind != "" {
			return fmt.Errorf("found two aggregation type definitions: [%s] and [%s]", a.kind, name)
		}
		a.kind = name
		if err := json.Unmarshal(part, &a.options); err != nil {
			return err
		}
	}
	return nil
}

func (a aggregation) say(option string) string {
	text, _ := a.options[option].(string)
	return text
}

type clause map[string]map[string]any

func (e elasticsearch) answer(d *Data, r request, f Fault) reply {
	index, ok := strings.CutSuffix(r.URL.Path, "/_search")
	index = strings.TrimPrefix(index, "/")
	if !ok || index == "" || r.Method != http.MethodPost {
		return e.refuse(http.StatusBadRequest, "no handler found for uri ["+r.URL.Path+"] and method ["+r.Method+"]")
	}
	if r.Header.Get("Content-Type") != "application/json" {
		return jsonReply(http.StatusNotAcceptable, map[string]any{"error": "Content-Type header [" + r.Header.Get("Content-Type") + "] is not supported", "status": 406})
	}
	var in struct {
		Size  *int                   `json:"size"`
		Hits  any                    `json:"track_total_hits"`
		Query clause                 `json:"query"`
		Aggs  map[string]aggregation `json:"aggs"`
	}
	decoder := json.NewDecoder(strings.NewReader(r.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return e.refuse(http.StatusBadRequest, err.Error())
	}
	if in.Size == nil || *in.Size != 0 {
		return e.refuse(http.StatusBadRequest, "documents would come back: size is not 0")
	}
	events := d.find(func(e Event) bool { ok, _ := path.Match(index, e.Name); return ok })
	if len(events) == 0 && !strings.ContainsAny(index, "*,") {
		return e.refuse(http.StatusNotFound, "no such index ["+index+"]")
	}
	events, err := in.Query.keep(events)
	if err != nil {
		return e.refuse(http.StatusBadRequest, err.Error())
	}
	aggs, err := aggregate(in.Aggs, events)
	if err != nil {
		return e.refuse(http.StatusBadRequest, err.Error())
	}
	out := map[string]any{
		"took": 3, "timed_out": f == Partial, "_shards": map[string]any{"total": 2, "successful": 2, "skipped": 0, "failed": 0},
		"hits": map[string]any{"total": map[string]any{"value": 10000, "relation": "gte"}, "max_score": nil, "hits": []any{}},
	}
	if f == Partial || f == Inside {
		out["_shards"] = map[string]any{"total": 2, "successful": 1, "skipped": 0, "failed": 1, "failures": []any{map[string]any{
			"shard": 1, "index": index, "reason": map[string]any{"type": "node_not_connected_exception", "reason": "node is gone"}}}}
	}
	if f != Inside {
		out["aggregations"] = aggs
	}
	return jsonReply(0, out)
}

// keep applies a filter.
func (c clause) keep(events []Event) ([]Event, error) {
	var holds []func(Event) bool
	for kind, options := range c {
		switch kind {
		case "bool":
			all, _ := options["filter"].([]any)
			for _, one := range all {
				members, _ := one.(map[string]any)
				part := clause{}
				for k, v := range members {
					part[k], _ = v.(map[string]any)
				}
				var err error
				if events, err = part.keep(events); err != nil {
					return nil, err
				}
			}
		case "query_string":
			text, _ := options["query"].(string)
			all, err := lucene(text)
			if err != nil {
				return nil, err
			}
			holds = append(holds, all)
		case "range":
			for name, span := range options {
				all, err := between(name, span)
				if err != nil {
					return nil, err
				}
				holds = append(holds, all)
			}
		default:
			return nil, fmt.Errorf("unknown query [%s]", kind)
		}
	}
	return slices.DeleteFunc(slices.Clone(events), func(e Event) bool {
		return slices.ContainsFunc(holds, func(h func(Event) bool) bool { return !h(e) })
	}), nil
}

// between reads a range of times, or of a field's numbers.
func between(name string, span any) (func(Event) bool, error) {
	s, _ := span.(map[string]any)
	gte, ok1 := s["gte"].(float64)
	lt, ok2 := s["lt"].(float64)
	if name != "@timestamp" {
		return func(e Event) bool {
			v, err := strconv.ParseFloat(e.Fields[name], 64)
			return err == nil && (!ok1 || v >= gte) && (!ok2 || v < lt)
		}, nil
	}
	if !ok1 || !ok2 || s["format"] != "epoch_millis" || len(s) != 3 {
		return nil, fmt.Errorf("failed to parse date field [%v] with format [strict_date_optional_time]", span)
	}
	return func(e Event) bool { at := float64(e.At.UnixMilli()); return at >= gte && at < lt }, nil
}

var luceneTerm = regexp.MustCompile(`^([\w.]+):(>=|<=|>|<)?("[^"]*"|[^\s"()]+)$`)

// lucene reads terms that are joined by AND.
func lucene(text string) (func(Event) bool, error) {
	var all []func(Event) bool
	for term := range strings.SplitSeq(text, " AND ") {
		m := luceneTerm.FindStringSubmatch(strings.TrimSpace(term))
		if m == nil {
			return nil, fmt.Errorf("failed to parse query [%s]", text)
		}
		op, value := m[2], strings.Trim(m[3], `"`)
		if op == "" {
			op = "="
			if value == "*" { // that there is one
				op, value = "=~", ".+"
			} else if strings.Contains(value, "*") && m[3] == value {
				op, value = "=~", strings.ReplaceAll(value, "*", ".*")
			}
		}
		all = append(all, matches(m[1], op, value))
	}
	return func(e Event) bool {
		return !slices.ContainsFunc(all, func(h func(Event) bool) bool { return !h(e) })
	}, nil
}

func docs(events []Event) (n float64) {
	for _, e := range events {
		n += e.Value
	}
	return n
}

// aggregate works out aggregations of some documents.
func aggregate(aggs map[string]aggregation, events []Event) (map[string]any, error) {
	out := map[string]any{}
	for name, a := range aggs {
		v, err := a.of(events)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}

// bucket is one with its documents and the aggregations below.
func (a aggregation) bucket(events []Event, own map[string]any) (map[string]any, error) {
	out, err := aggregate(a.below, events)
	if err != nil {
		return nil, err
	}
	maps.Copy(out, own)
	out["doc_count"] = int64(docs(events))
	return out, nil
}

func (a aggregation) of(events []Event) (any, error) {
	switch a.kind {
	case "date_histogram":
		return a.times(events)
	case "terms":
		return a.buckets(events, func(e Event) any { return e.Fields[a.say("field")] })
	case "composite":
		return a.composite(events)
	case "filter":
		c := clause{}
		for kind, options := range a.options {
			c[kind], _ = options.(map[string]any)
		}
		kept, err := c.keep(events)
		if err != nil {
			return nil, err
		}
		return a.bucket(kept, nil)
	case "avg":
		sum, n := 0.0, 0.0
		for _, e := range events {
			if v, err := strconv.ParseFloat(e.Fields[a.say("field")], 64); err == nil {
				sum, n = sum+v*e.Value, n+e.Value
			}
		}
		if n == 0 {
			return map[string]any{"value": nil}, nil
		}
		return map[string]any{"value": sum / n}, nil
	}
	return nil, fmt.Errorf("unknown aggregation type [%s]", a.kind)
}

func (a aggregation) times(events []Event) (any, error) {
	step, err := time.ParseDuration(a.say("fixed_interval"))
	least, ok := a.options["min_doc_count"].(float64)
	if err != nil || step <= 0 || a.say("field") != "@timestamp" || !ok || least < 1 {
		return nil, fmt.Errorf("invalid interval specified, or no min_doc_count, in [date_histogram]: %v", a.options)
	}
	g := grid{time.Unix(0, 0), step, false}
	return a.buckets(events, func(e Event) any { return g.end(e.At) - step.Milliseconds() })
}

// buckets makes one of each value, in order, without the empty value.
func (a aggregation) buckets(events []Event, value func(Event) any) (any, error) {
	all := map[any][]Event{}
	for _, e := range events {
		if v := value(e); v != "" {
			all[v] = append(all[v], e)
		}
	}
	keys := slices.SortedFunc(maps.Keys(all), func(x, y any) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
	out := []any{}
	for _, key := range keys {
		own := map[string]any{"key": key}
		if ms, ok := key.(int64); ok {
			own["key_as_string"] = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
		}
		b, err := a.bucket(all[key], own)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	answer := map[string]any{"buckets": out}
	if a.kind == "terms" {
		answer["doc_count_error_upper_bound"], answer["sum_other_doc_count"] = 0, 0
	}
	return answer, nil
}

// composite makes one of each combination of values, whose key is an object: a
// date_histogram called by its name, and terms.
func (a aggregation) composite(events []Event) (any, error) {
	most, _ := a.options["size"].(float64)
	sources, _ := a.options["sources"].([]any)
	if most < 1 || most > 10_000 || len(sources) == 0 {
		return nil, fmt.Errorf("required [sources], and a size up to 10000: %v", a.options)
	}
	type part struct {
		name    string
		missing bool
		value   func(Event) any
	}
	var parts []part
	for _, s := range sources {
		text, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		var named map[string]aggregation
		if err := json.Unmarshal(text, &named); err != nil || len(named) != 1 {
			return nil, fmt.Errorf("a source of [composite] is no object of one name: %s", text)
		}
		for name, source := range named {
			p := part{name: name, value: func(e Event) any { return scalar(e.Fields[source.say("field")]) }}
			p.missing, _ = source.options["missing_bucket"].(bool)
			if source.kind == "date_histogram" {
				step, err := time.ParseDuration(source.say("fixed_interval"))
				if err != nil || step <= 0 || source.say("field") != "@timestamp" {
					return nil, fmt.Errorf("invalid interval specified in [date_histogram]: %s", text)
				}
				p.value = func(e Event) any {
					return grid{time.Unix(0, 0), step, false}.end(e.At) - step.Milliseconds()
				}
			}
			parts = append(parts, p)
		}
	}
	keys, all := map[string]map[string]any{}, map[string][]Event{}
	for _, e := range events {
		key, left := map[string]any{}, false
		for _, p := range parts {
			if key[p.name] = p.value(e); key[p.name] == nil && !p.missing {
				left = true
			}
		}
		if id := fmt.Sprint(key); !left {
			keys[id], all[id] = key, append(all[id], e)
		}
	}
	out := []any{}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if len(out) == int(most) {
			break
		}
		b, err := a.bucket(all[id], map[string]any{"key": keys[id]})
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	answer := map[string]any{"buckets": out}
	if n := len(out); n > 0 {
		answer["after_key"] = out[n-1].(map[string]any)["key"]
	}
	return answer, nil
}

// scalar is a field as JSON has it: nil where it is missing.
func scalar(text string) any {
	if v, err := strconv.ParseFloat(text, 64); err == nil {
		return v
	}
	if text == "" {
		return nil
	}
	return text
}
