package spec

import (
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Traefik splits by a weighted service of Traefik; Service or File is set.
type Traefik struct {
	Asks
	Service *TraefikService
	File    *TraefikFile
	// API is the URL of Traefik's API; "" where it may not be asked.
	API string
}

// TraefikService is a weighted TraefikService on Kubernetes.
type TraefikService struct {
	Cluster
	Name string
	// Baseline and Candidate are services in it: [namespace/]name[:port].
	Baseline, Candidate string
}

// TraefikFile is a file of Traefik's file provider.
type TraefikFile struct {
	Path string
	// Service is the weighted service in it; "" is spec.service.
	Service string
	// Baseline and Candidate are services that Traefik knows from elsewhere.
	Baseline, Candidate string
}

func (*Traefik) grain() release.Weight { return 1 }

var traefikKeys = &object[Traefik]{exactly: []string{"traefikService", "file"}, keys: []key[Traefik]{
	{name: "traefikService", doc: "A weighted TraefikService on Kubernetes.",
		bind: at(func(t *Traefik) **TraefikService { return &t.Service }, optional[TraefikService]{traefikServiceKeys})},
	{name: "file", doc: "A file in the folder that Traefik's file provider watches.",
		bind: at(func(t *Traefik) **TraefikFile { return &t.File }, optional[TraefikFile]{traefikFileKeys})},
	{name: "api", doc: "The URL of Traefik's API, to see what it serves.", words: "what is set is read back, not what is served",
		bind: at(func(t *Traefik) *string { return &t.API }, httpURL)},
	stickyKey(func(t *Traefik) *release.Sticky { return &t.Sticky }, byCookie),
	{name: "mirror", doc: "The share of the baseline's requests of which the candidate gets a copy, while it has a weight, in whole percents; nobody sees what it answers to those.", words: "none",
		bind: at(func(t *Traefik) *release.Weight { return &t.Mirror }, wholePercents)},
}}

var traefikServiceKeys = &object[TraefikService]{keys: append([]key[TraefikService]{
	{name: "name", doc: "The TraefikService's name.", need: true, sample: "checkout",
		bind: at(func(s *TraefikService) *string { return &s.Name }, objectName)},
	{name: "baseline", doc: "The baseline's entry in spec.weighted.services: its name, or namespace/name:port where the name alone is not enough.", need: true, sample: "checkout-stable",
		bind: at(func(s *TraefikService) *string { return &s.Baseline }, backendName)},
	{name: "candidate", doc: "The candidate's, there with weight 0.", need: true, sample: "checkout-canary",
		bind: at(func(s *TraefikService) *string { return &s.Candidate }, backendName)},
}, clusterKeys(func(s *TraefikService) *Cluster { return &s.Cluster })...)}

var traefikFileKeys = &object[TraefikFile]{keys: []key[TraefikFile]{
	{name: "path", doc: "The file, for Linnet alone, ending in .yml or .yaml.", need: true, sample: "/etc/traefik/dynamic/linnet-checkout.yml",
		bind: at(func(f *TraefikFile) *string { return &f.Path }, writePath)},
	{name: "service", doc: "The weighted service in it, to which routers lead as NAME@file.", words: "`spec.service`",
		bind: at(func(f *TraefikFile) *string { return &f.Service }, traefikName)},
	{name: "baseline", doc: "The baseline's service, NAME of another file or NAME@PROVIDER.", need: true, sample: "checkout-stable",
		bind: at(func(f *TraefikFile) *string { return &f.Baseline }, traefikName)},
	{name: "candidate", doc: "The candidate's service.", need: true, sample: "checkout-canary",
		bind: at(func(f *TraefikFile) *string { return &f.Candidate }, traefikName)},
}}

// traefikName is what Traefik calls services.
var traefikName = &kind[string]{noun: "a service's name: letters, digits, -, _, . and @", pattern: `^[A-Za-z0-9_.@-]{1,253}$`, format: same,
	parse: func(s string) (string, fault) {
		odd := strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r)
		})
		if s == "" || len(s) > 253 || odd {
			return "", fault{"is no name of a service", "write it as Traefik's dashboard shows it, such as checkout-canary@docker"}
		}
		return s, fault{}
	}}

// wholePercents are weights of whole percents.
var wholePercents = &kind[release.Weight]{noun: "a whole percentage", classes: textOnly, pattern: weights.pattern, format: formatWeight,
	parse: func(text string) (release.Weight, fault) {
		w, bad := parseWeight(text)
		if bad == (fault{}) && w%(release.Whole/100) != 0 {
			return 0, fault{"is no whole percentage", "Traefik mirrors whole percents: write 1% or more"}
		}
		return w, bad
	}}
