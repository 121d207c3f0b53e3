package spec

import (
	"regexp"
	"time"
)

// wholeMatch is a regular expression.
var wholeMatch = &kind[string]{noun: "a regular expression", parse: parseRegexp, format: same}

func parseRegexp(s string) (string, fault) {
	if s, bad := parseText(s); bad != (fault{}) {
		return s, bad
	}
	if _, err := regexp.Compile(s); err != nil {
		return "", fault{"is not a regular expression", `write one such as v?(\d+\.\d+\.\d+); backslashes are doubled inside double quotes`}
	}
	return s, fault{}
}

var hooksSpecKeys = &object[Hooks]{keys: []key[Hooks]{
	{name: "in", doc: "Announcements of new versions that are taken at `/v1/hooks/<name>`.", words: "none",
		bind: at(func(h *Hooks) *[]HookIn { return &h.In }, &listOf[HookIn]{item: hookInKeys})},
	{name: "out", doc: "Where is sent what happens to releases.", words: "nowhere",
		bind: at(func(h *Hooks) *[]HookOut { return &h.Out }, &listOf[HookOut]{item: hookOutKeys})},
}}

var hookInKeys = &object[HookIn]{keys: []key[HookIn]{
	{name: "name", doc: "The last part of its URL, and what the record calls it: `hook:<name>`.", need: true, sample: "shop-images",
		bind: at(func(h *HookIn) *string { return &h.Name }, releaseName)},
	{name: "form", doc: "How a delivery proves who sent it. `standard`: Standard Webhooks. `github`: `X-Hub-Signature-256`. `gitlab`: `X-Gitlab-Token`. `bearer`: the secret in `Authorization`, as registries and Harbor send it.", def: FormStandard,
		bind: at(func(h *HookIn) *string { return &h.Form }, oneOf(FormStandard, FormGitHub, FormGitLab, FormBearer))},
	{name: "secretFiles", doc: "The files that hold the secret: one, and a second one while it is being changed.", need: true, sample: "[/run/secrets/shop-hook]",
		bind: at(func(h *HookIn) *[]string { return &h.SecretFiles }, &listOf[string]{item: filePath, min: 1})},
	{name: "when", doc: "CEL expressions over `payload`, `event` and, with `each`, `item`. All must be true, or nothing is made.", words: "always",
		bind: at(func(h *HookIn) *[]string { return &h.When }, &listOf[string]{item: expression})},
	{name: "each", doc: "A CEL expression that gives a list: a release for each entry, which is `item`.", words: "one release",
		bind: at(func(h *HookIn) *string { return &h.Each }, expression)},
	{name: "values", doc: "What fills the placeholders of the template.", words: "none",
		bind: at(func(h *HookIn) *[]HookValue { return &h.Values }, &listOf[HookValue]{item: hookValueKeys})},
	{name: "template", doc: "A release file with placeholders, `$(version)`. Its path is relative to this file.", need: true, sample: "checkout.yaml",
		bind: at(func(h *HookIn) *string { return &h.Template }, filePath)},
	{name: "perMinute", doc: "How many deliveries are taken a minute; more are told to come again.", def: "30",
		bind: at(func(h *HookIn) *int64 { return &h.PerMinute }, between(wholes, 1, 6000))},
}}

var hookValueKeys = &object[HookValue]{keys: []key[HookValue]{
	{name: "name", doc: "The placeholder's name.", need: true, sample: "version",
		bind: at(func(v *HookValue) *string { return &v.Name }, labelName)},
	{name: "from", doc: "A CEL expression that gives text or a whole number.", need: true, sample: "payload.release.tag_name",
		bind: at(func(v *HookValue) *string { return &v.From }, expression)},
	{name: "match", doc: "A regular expression that all of it must match, or nothing is made. Its first group, where it has one, is the value.", words: "anything",
		bind: at(func(v *HookValue) *string { return &v.Match }, wholeMatch)},
}}

var hookOutKeys = &object[HookOut]{keys: []key[HookOut]{
	{name: "name", doc: "What the record of what was sent calls it. A new name begins anew, with what happens from then on.", need: true, sample: "bus",
		bind: at(func(o *HookOut) *string { return &o.Name }, releaseName)},
	{name: "url", doc: "Where events are posted to.", need: true, sample: "https://events.example.com/linnet",
		bind: at(func(o *HookOut) *string { return &o.URL }, httpURL)},
	{name: "form", doc: "CloudEvents 1.0 of Linnet's own types, or CDEvents 0.4 inside CloudEvents.", def: CloudEvents,
		bind: at(func(o *HookOut) *string { return &o.Form }, oneOf(CloudEvents, CDEvents))},
	{name: "mode", doc: "How an event is put into HTTP: all in the body, or its context in headers.", def: Structured,
		bind: at(func(o *HookOut) *string { return &o.Mode }, oneOf(Structured, Binary))},
	{name: "events", doc: "The kinds of events that are sent. CDEvents has `started`, `promoted` and `rolled-back` alone.", words: "all",
		bind: at(func(o *HookOut) *[]string { return &o.Events }, &listOf[string]{item: oneOf(HookEvents()...)})},
	{name: "services", doc: "The services whose releases are told; `*` stands for anything.", words: "all",
		bind: at(func(o *HookOut) *[]string { return &o.Services }, &listOf[string]{item: pattern})},
	{name: "teams", doc: "The teams whose releases are told (`metadata.labels.team`).", words: "all",
		bind: at(func(o *HookOut) *[]string { return &o.Teams }, &listOf[string]{item: pattern})},
	{name: "environments", doc: "The environments whose releases are told (`metadata.labels.environment`).", words: "all",
		bind: at(func(o *HookOut) *[]string { return &o.Environments }, &listOf[string]{item: pattern})},
	{name: "signingFile", doc: "The file that holds the secret with which deliveries are signed, by Standard Webhooks.", words: "not signed",
		bind: at(func(o *HookOut) *string { return &o.SigningFile }, filePath)},
	{name: "tokenFile", doc: "The file that holds a bearer token.", words: "none",
		bind: at(func(o *HookOut) *string { return &o.TokenFile }, filePath)},
	{name: "tls", doc: "How the server's certificate is checked, and what is shown to it.",
		bind: at(func(o *HookOut) *TLS { return &o.TLS }, tlsKeys)},
	{name: "timeout", doc: "How long one delivery may take.", def: "10s",
		bind: at(func(o *HookOut) *time.Duration { return &o.Timeout }, between(durations, 100*time.Millisecond, time.Minute))},
	{name: "giveUp", doc: "How long an event is tried before it is left out, so that those behind it get through.", def: "1d",
		bind: at(func(o *HookOut) *time.Duration { return &o.GiveUp }, between(durations, time.Minute, 30*day))},
}}
