package spec

import "time"

var proxyKeys = &object[Proxy]{atMost: [][]string{{"listen", "admin"}}, keys: []key[Proxy]{
	{name: "service", doc: "What the proxy calls the service.", words: "`spec.service`",
		bind: at(func(p *Proxy) *string { return &p.Service }, freeText)},
	{name: "listen", doc: "The address that takes the traffic. Needs upstreams.",
		bind: at(func(p *Proxy) *string { return &p.Listen }, listenAddress)},
	{name: "upstreams", doc: "Where the arms are.",
		bind: at(func(p *Proxy) *map[string]string { return &p.Upstreams }, upstreamKeys)},
	{name: "admin", doc: "The admin API of a `linnet proxy` that runs elsewhere and holds the upstreams itself.",
		bind: at(func(p *Proxy) *string { return &p.Admin }, credentialURL)},
	{name: "tokenFile", doc: "The file that holds the admin API's token.",
		bind: at(func(p *Proxy) *string { return &p.TokenFile }, filePath)},
	{name: "sticky", doc: "What tells users apart, so that each stays in one arm.", words: "each request is drawn on its own",
		bind: within(stickyKeys)},
	{name: "testers", doc: "How a tester chooses an arm.", words: "not at all",
		bind: within(testerKeys)},
	{name: "health", doc: "A path that is asked of each upstream, which must answer below 400.", words: "upstreams are not asked",
		bind: at(func(p *Proxy) *string { return &p.HealthPath }, urlPath)},
	{name: "lease", doc: "How long a weight holds without renewal, before the traffic goes back to the baseline by itself.",
		words: "4 × `every`, at least 1m",
		bind:  at(func(p *Proxy) *time.Duration { return &p.Lease }, between(durations, time.Second, day))},
}}

var upstreamKeys = &object[map[string]string]{keys: []key[map[string]string]{
	{name: "baseline", doc: "The baseline's URL.", need: true, sample: "http://127.0.0.1:9001",
		bind: entry("baseline", httpURL)},
	{name: "candidate", doc: "The candidate's URL.", need: true, sample: "http://127.0.0.1:9002",
		bind: entry("candidate", httpURL)},
}}

var stickyKeys = &object[Proxy]{exactly: []string{"cookie", "header"}, keys: []key[Proxy]{
	{name: "cookie", doc: "The cookie that tells users apart.",
		bind: at(func(p *Proxy) *string { return &p.StickyCookie }, headerName)},
	{name: "header", doc: "The header that tells users apart.",
		bind: at(func(p *Proxy) *string { return &p.StickyHeader }, headerName)},
}}

var testerKeys = &object[Proxy]{keys: []key[Proxy]{
	{name: "header", doc: "A request with this header goes to the arm it names.", need: true, sample: "X-Linnet-Arm",
		bind: at(func(p *Proxy) *string { return &p.TesterHeader }, headerName)},
}}
