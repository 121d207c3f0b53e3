// Package linnet_test holds the house in order: which folder may import which,
// what the pure floors must not touch, and the habits of the code. CONTRIBUTING.md
// tells these rules in words.
package linnet_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/linnet-project/linnet"

// row is what a folder may do.
type row struct {
	// floor says how much of the world the folder may see: 0 and 1 are pure, 2
	// drives the pure ones, 3 meets the world outside, 4 puts it all together.
	floor int
	// imports are the folders of ours that its code may import. Tests may
	// besides import all on their own floor or below, and the suites.
	imports []string
	// vendors are the modules that a pure folder may import; the folders of
	// the other floors choose freely.
	vendors []string
}

var pureFolders = []string{"release", "stats", "spec", "plan", "exposure", "judge", "engine"}

// adapters are what the table in app names.
var adapters = []string{
	"traffic/proxy", "traffic/istio", "traffic/gatewayapi", "traffic/traefik", "traffic/ingressnginx", "traffic/kubernetes",
	"traffic/alb", "traffic/haproxy", "traffic/nginx", "traffic/exec", "traffic/webhook", "traffic/several",
	"metric/prometheus", "metric/tsdb", "metric/recording", "metric/httpjson",
	"metric/cloudwatch", "metric/googlemonitoring", "metric/sql", "metric/exec",
	"notify/slack", "notify/pagerduty", "notify/alertmanager", "notify/email", "notify/webhook", "notify/shoutrrr",
}

// house has one row for each folder with Go code.
var house = map[string]row{
	"release":  {floor: 0},
	"stats":    {floor: 0, vendors: []string{"gonum.org/v1/gonum"}},
	"spec":     {floor: 1, imports: []string{"release"}, vendors: []string{"github.com/goccy/go-yaml"}},
	"plan":     {floor: 1, imports: []string{"release", "spec", "stats"}},
	"secret":   {floor: 0},
	"ndjson":   {floor: 1, imports: []string{"release"}},
	"exposure": {floor: 1, imports: []string{"release"}, vendors: []string{"github.com/cespare/xxhash/v2"}},
	"judge":    {floor: 1, imports: []string{"release", "stats"}},
	"engine":   {floor: 1, imports: []string{"release", "plan", "judge"}},
	"kayenta":  {floor: 1, imports: []string{"release"}},
	"forecast": {floor: 1, imports: []string{"release", "spec", "stats", "plan", "judge"}},

	"notify": {floor: 1, imports: []string{"release", "spec"}},

	"notify/outbox": {floor: 2, imports: []string{"release", "spec", "database", "notify"}},

	"access":     {floor: 1, imports: []string{"release", "spec"}},
	"calendar":   {floor: 1, imports: []string{"release"}, vendors: []string{"github.com/emersion/go-ical", "github.com/teambition/rrule-go"}},
	"guard":      {floor: 1, imports: []string{"release", "spec", "plan", "access", "calendar", "expression"}, vendors: []string{"cel.dev/cel-go"}},
	"expression": {floor: 1, vendors: []string{"cel.dev/cel-go"}},
	"glass":      {floor: 2, imports: []string{"control", "database", "release"}},
	"audit":      {floor: 2, imports: []string{"access", "control", "database", "journal", "release"}},
	"calm":       {floor: 2},
	"database":   {floor: 2, imports: []string{"release"}},
	"control":    {floor: 2, imports: []string{"judge", "access", "journal", "report", "release", "spec", "plan", "engine"}},
	"annotation": {floor: 2, imports: []string{"database", "journal", "release"}},

	// Who somebody is.
	"login/token": {floor: 1, imports: []string{"release"}},
	"login/limit": {floor: 3},
	"login":       {floor: 3, imports: []string{"release", "access", "api", "control", "database", "spec", "login/token", "login/limit"}},

	// The journal stores whole states, and a state holds a plan and evidence.
	"journal":  {floor: 2, imports: []string{"release", "plan", "judge", "engine", "database"}},
	"run":      {floor: 2, imports: append([]string{"journal"}, pureFolders...)},
	"backtest": {floor: 2, imports: append([]string{"ndjson"}, pureFolders...)},
	"fleet":    {floor: 2, imports: append([]string{"journal", "run", "control"}, pureFolders...)},

	"fleet/river": {floor: 3, imports: []string{"release", "journal", "database", "fleet", "calm"}},
	"report":      {floor: 2, imports: append([]string{"journal"}, pureFolders...)},

	"traffic/proxy":       {floor: 3, imports: []string{"release", "exposure", "traffic/split"}},
	"traffic/file":        {floor: 3, imports: []string{"release"}},
	"traffic/haproxy":     {floor: 3, imports: []string{"release", "traffic/split", "traffic/file"}},
	"traffic/nginx":       {floor: 3, imports: []string{"release", "traffic/split", "traffic/file"}},
	"traffic/trafficconf": {floor: 3, imports: []string{"release"}},
	"traffic/split":       {floor: 3, imports: []string{"release"}},
	"traffic/chaos":       {floor: 3, imports: []string{"release", "plan", "engine", "journal", "run", "traffic/trafficconf"}},
	"traffic/gatewayapi":  {floor: 3, imports: []string{"release", "traffic/split", "traffic/kube"}},
	"traffic/traefik":     {floor: 3, imports: []string{"release", "traffic/split", "traffic/file", "traffic/kube"}},
	"traffic/kube":        {floor: 3, imports: []string{"release", "traffic/split"}},
	"command":             {floor: 3, imports: []string{"release", "secret"}},
	"traffic/contract":    {floor: 3, imports: []string{"release", "secret", "traffic/split"}},
	"traffic/exec":        {floor: 3, imports: []string{"release", "command", "traffic/split", "traffic/contract"}},
	"awscall":             {floor: 3, imports: []string{"release", "secret"}},
	"traffic/alb":         {floor: 3, imports: []string{"release", "traffic/split", "awscall"}},
	"awscall/awstest":     {floor: 3},
	"traffic/alb/albtest": {floor: 3, imports: []string{"awscall/awstest"}},
	"traffic/istio":       {floor: 3, imports: []string{"release", "traffic/split", "traffic/kube"}},
	"metric/series":       {floor: 3, imports: []string{"release"}},
	"metric/web":          {floor: 3, imports: []string{"release", "secret"}},
	"metric/prometheus":   {floor: 3, imports: []string{"release", "metric/series", "metric/web"}},
	"metric/tsdb":         {floor: 3, imports: []string{"release", "metric/series"}},
	"metric/recording":    {floor: 3, imports: []string{"release", "metric/series"}},
	"metric/metricconf":   {floor: 3, imports: []string{"release"}},
	"metric/rows":         {floor: 3, imports: []string{"release"}},
	"metric/template":     {floor: 3, imports: []string{"release"}},
	"metric/vendortest":   {floor: 3, imports: []string{"testprogram"}},
	"metric/exec":         {floor: 3, imports: []string{"release", "command", "ndjson", "secret", "metric/rows"}},
	"metric/sql":          {floor: 3, imports: []string{"release", "metric/rows", "metric/web"}},
	"metric/httpjson":     {floor: 3, imports: []string{"release", "metric/rows", "metric/template", "metric/web"}},
	"metric/cloudwatch":   {floor: 3, imports: []string{"release", "metric/rows", "metric/template", "metric/web", "awscall"}},

	"metric/cloudwatch/cloudtest": {floor: 3, imports: []string{"awscall/awstest"}},

	"metric/googlemonitoring":            {floor: 3, imports: []string{"release", "metric/rows", "metric/template", "metric/web"}},
	"metric/googlemonitoring/googletest": {floor: 3},

	"notify/post":         {floor: 3, imports: []string{"release", "secret"}},
	"notify/notifyconf":   {floor: 3, imports: []string{"release"}},
	"notify/slack":        {floor: 3, imports: []string{"release", "notify/post"}},
	"notify/pagerduty":    {floor: 3, imports: []string{"release", "notify/post"}},
	"notify/alertmanager": {floor: 3, imports: []string{"release", "notify/post"}},
	"notify/webhook":      {floor: 3, imports: []string{"release", "notify/post"}},
	"notify/email":        {floor: 3, imports: []string{"release", "secret", "notify/post"}},
	"notify/shoutrrr":     {floor: 3, imports: []string{"release", "notify/post"}},

	// Programs and database servers for tests, of the journal's floor and above; and
	// what runs tests on each kind of database.
	"testprogram":           {floor: 2},
	"testdb":                {floor: 2, imports: []string{"testprogram"}},
	"database/databasetest": {floor: 2, imports: []string{"database", "testdb"}},

	// What other programs and the screens see.
	"api": {floor: 3, imports: []string{"calm", "annotation", "backtest", "gitops", "notify/outbox", "access", "audit", "control", "database", "engine", "forecast", "journal", "judge", "plan", "release", "report", "spec", "stats"}},

	"ui": {floor: 3, imports: []string{"release"}},

	// What is sent to us, from the formats (each a folder) to the store.
	"ingest/item":          {floor: 3, imports: []string{"release"}},
	"ingest/log":           {floor: 3, imports: []string{"release", "ingest/item"}},
	"ingest/fold":          {floor: 3, imports: []string{"release", "ingest/item"}},
	"ingest/forward":       {floor: 3, imports: []string{"release"}},
	"ingest":               {floor: 3, imports: []string{"release", "ingest/item", "ingest/log", "ingest/fold"}},
	"ingest/unit":          {floor: 3},
	"ingest/event":         {floor: 3, imports: []string{"release", "ingest/item", "ingest/unit", "ingest/post"}},
	"ingest/quarantine":    {floor: 3, imports: []string{"release", "ingest/item", "ingest/event"}},
	"ingest/send":          {floor: 3, imports: []string{"release", "ingest/item", "ingest/event", "ingest/post"}},
	"ingest/statsd":        {floor: 3, imports: []string{"release", "ingest/item"}},
	"ingest/rules":         {floor: 3, imports: []string{"release", "spec", "ingest/item", "ingest/unit", "ingest/fold"}},
	"ingest/post":          {floor: 3, imports: []string{"release", "ingest/item"}},
	"ingest/otlp":          {floor: 3, imports: []string{"release", "ingest/item", "ingest/post"}},
	"ingest/remotewrite":   {floor: 3, imports: []string{"release", "ingest/item", "ingest/post"}},
	"load":                 {floor: 3, imports: []string{"release"}},
	"demo":                 {floor: 3, imports: []string{"release"}},
	"sim":                  {floor: 3, imports: append([]string{"journal", "run", "backtest", "traffic/split"}, pureFolders...)},
	"sim/world":            {floor: 3, imports: []string{"release"}},
	"sim/stage":            {floor: 3, imports: []string{"journal", "judge", "engine", "plan", "release", "spec", "sim/world"}},
	"sim/stage/fill":       {floor: 3, imports: []string{"database", "journal", "sim/stage"}},
	"sim/measure":          {floor: 3, imports: []string{"release", "judge", "kayenta", "backtest", "sim/world"}},
	"traffic/kubernetes":   {floor: 3, imports: []string{"release", "traffic/split", "traffic/kube"}},
	"traffic/ingressnginx": {floor: 3, imports: []string{"release", "traffic/split", "traffic/kube"}},
	"traffic/webhook":      {floor: 3, imports: []string{"release", "traffic/split", "traffic/contract"}},
	"traffic/several":      {floor: 3, imports: []string{"release", "traffic/split"}},

	// A module of its own, so that what only its tests need stays out of go.mod.
	// The modules below it build programs and import nothing of ours.
	"testbed/apiserver": {floor: 3},
	"testbed/quick":     {floor: 3},
	"testbed/gateway":   {floor: 3},
	"testbed/program":   {floor: 3},
	"testbed/cluster":   {floor: 3, imports: []string{"testbed/program"}},
	"testbed/istio":     {floor: 3},
	"testbed/oidc":      {floor: 3, imports: []string{"testbed/program"}},
	"testbed/shop":      {floor: 3, imports: []string{"release", "engine", "journal", "load", "testbed/program"}},

	// How other systems drive Linnet, and are told by it.
	"hook":       {floor: 3, imports: []string{"notify/post", "access", "calm", "control", "database", "journal", "engine", "expression", "plan", "release", "spec"}},
	"api/client": {floor: 3, imports: []string{"release"}},
	"gitops":     {floor: 3, imports: []string{"access", "control", "journal", "plan", "release", "spec"}},
	"link":       {floor: 3, imports: []string{"access", "control", "database", "engine", "journal", "release", "report"}},

	// Whoever puts it all together may import each adapter.
	"app": {floor: 4, imports: slices.Concat(pureFolders, adapters, []string{
		"access", "database", "notify/outbox", "audit", "journal", "run", "control", "fleet", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"access", "control", "journal", "run", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"access", "control", "journal", "run", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"access", "database", "journal", "run", "control", "fleet", "gitops", "hook", "ui", "api/client", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"journal", "run", "backtest", "report", "kayenta", "forecast", "load", "demo", "guard",
		"access", "database", "journal", "run", "control", "fleet", "fleet/river", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"access", "api", "audit", "database", "journal", "run", "control", "fleet", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"notify", "notify/outbox", "notify/post",
		"access", "api", "database", "journal", "run", "control", "fleet", "backtest", "report", "kayenta", "forecast", "load", "demo",
		"traffic/kube", "traffic/split", "metric/series", "metric/web",
		"ingest", "ingest/item", "ingest/event", "ingest/statsd", "ingest/otlp", "ingest/remotewrite",
		"ingest/rules", "ingest/quarantine", "ingest/forward", "ingest/send", "ingest/post",
		"login", "login/token", "audit",
		"login", "login/token", "glass",
		"login", "login/token", "glass", "link", "calm", "annotation",
	})},
	"cmd/linnet": {floor: 4, imports: []string{"app"}},
}

// suites are what every adapter of a kind must pass, and what every store is tried
// on; any test may import them.
var suites = []string{"traffic/trafficconf", "traffic/chaos", "metric/metricconf", "notify/notifyconf", "database/databasetest"}

// worldly are the packages of the standard library that the pure floors must
// not import, each with all below it, and why.
var worldly = map[string]string{
	"context":       "nothing there waits",
	"os":            "input is an argument",
	"io/fs":         "input is an argument",
	"path/filepath": "input is an argument",
	"embed":         "input is an argument",
	"net":           "nothing there talks to anybody",
	"log":           "reasons are returned, not logged",
	"sync":          "values have one owner",
	"database":      "the journal alone stores",
	"math/rand":     "chance comes as an argument",
	"crypto/rand":   "chance comes as an argument",
	"syscall":       "the same on every system",
	"runtime":       "the same on every system",
	"unsafe":        "the same on every system",
	"plugin":        "the same on every system",
}

// pureAnyway are packages below worldly ones that only calculate.
var pureAnyway = []string{"net/url", "net/netip"}

// clocks may read the time; everybody else gets it as an argument.
var clocks = map[string]string{
	"app":            "assembles processes",
	"traffic/proxy":  "leases lapse by themselves, and latency is measured",
	"traffic/chaos":  "runs real releases in real time",
	"load":           "sends on a schedule and measures latency",
	"demo":           "measures its own latency",
	"sim/stage/fill": "its releases end now",

	"testbed/cluster": "tells how long the cluster took to start",
	"testbed/shop":    "measures the time from a fault to zero",
}

// readsClock and waits are names of package time.
var (
	readsClock = []string{"Now", "Since", "Until"}
	waits      = []string{"After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
)

func TestEveryFolderHasARowAndEveryRowAFolder(t *testing.T) {
	tree := readTree(t)
	for folder := range tree {
		if _, ok := house[folder]; !ok && folder != "." {
			t.Errorf("%s: has no row in the table of arch_test.go; say what it may import", folder)
		}
	}
	for folder := range house {
		if len(tree[folder]) == 0 {
			t.Errorf("%s: has a row in the table of arch_test.go and no code", folder)
		}
	}
}

func TestTheTablePointsDown(t *testing.T) {
	for folder, r := range house {
		for _, to := range r.imports {
			target, ok := house[to]
			if !ok {
				t.Errorf("%s: may import %s, which has no row", folder, to)
			}
			if target.floor > r.floor {
				t.Errorf("%s: is on floor %d and may import %s on floor %d", folder, r.floor, to, target.floor)
			}
			if to == "sim" {
				t.Errorf("%s: may import sim; the simulated world is for tests and scenarios only", folder)
			}
		}
	}
}

func TestImportsOfOurs(t *testing.T) {
	readTree(t).each(func(f file) {
		for path, at := range f.imports() {
			to, ours := strings.CutPrefix(path, module+"/")
			if !ours || to == f.folder || allowed(f, to) {
				continue
			}
			t.Errorf("%s: %s may not import %s", at, f.folder, to)
		}
	})
}

func allowed(f file, to string) bool {
	if f.folder == "." || slices.Contains(house[f.folder].imports, to) {
		return true
	}
	if !f.isTest || to == "sim" || inBed(to) && !inBed(f.folder) {
		return false
	}
	target, known := house[to]
	return slices.Contains(suites, to) || known && target.floor <= house[f.folder].floor
}

// inBed tells whether a folder belongs to the test bed, which the product's own
// module does not know.
func inBed(folder string) bool { return strings.HasPrefix(folder, "testbed/") }

func TestThePureFloorsTouchNothing(t *testing.T) {
	readTree(t).each(func(f file) {
		if f.isTest || house[f.folder].floor > 1 || f.folder == "." {
			return
		}
		for path, at := range f.imports() {
			if why := touches(f.folder, path); why != "" {
				t.Errorf("%s: %s may not import %s: %s", at, f.folder, path, why)
			}
		}
	})
}

// touches tells why a pure folder may not import a package; "" when it may.
func touches(folder, path string) string {
	if path == module || strings.HasPrefix(path, module+"/") || slices.Contains(pureAnyway, path) {
		return ""
	}
	for banned, why := range worldly {
		if path == banned || strings.HasPrefix(path, banned+"/") {
			return why
		}
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return ""
	}
	for _, vendor := range house[folder].vendors {
		if path == vendor || strings.HasPrefix(path, vendor+"/") {
			return ""
		}
	}
	return "a pure folder needs a reason for every module, in its row"
}

func TestTimeIsAnArgument(t *testing.T) {
	used := map[string]bool{}
	readTree(t).each(func(f file) {
		f.uses("time", func(name, at string) {
			switch _, isClock := clocks[f.folder]; {
			case name == "Sleep":
				t.Errorf("%s: time.Sleep cannot be ended; use a timer with a context (in tests: a channel, or testing/synctest)", at)
			case f.isTest:
			case slices.Contains(readsClock, name) && isClock:
				used[f.folder] = true
			case slices.Contains(readsClock, name):
				t.Errorf("%s: %s may not read the clock (time.%s); take the time as an argument", at, f.folder, name)
			case slices.Contains(waits, name) && house[f.folder].floor <= 1:
				t.Errorf("%s: %s may not wait (time.%s)", at, f.folder, name)
			}
		})
	})
	for folder := range clocks {
		if !used[folder] {
			t.Errorf("%s: may read the clock and does not; take it out of the table", folder)
		}
	}
}

// uses calls found for every name that the file takes from a package.
func (f file) uses(path string, found func(name, at string)) {
	local := f.localName(path)
	if local == "" {
		return
	}
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local {
				found(s.Sel.Name, f.at(s))
			}
		}
		return true
	})
}
