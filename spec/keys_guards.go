package spec

var guardsKeys = &object[Guards]{keys: []key[Guards]{
	{name: "rules", doc: "Conditions that a release must meet before it begins.", words: "none",
		bind: at(func(g *Guards) *[]GuardRule { return &g.Rules }, &listOf[GuardRule]{item: guardRuleKeys})},
	{name: "freezes", doc: "Times in which no release begins.", words: "none",
		bind: at(func(g *Guards) *[]Freeze { return &g.Freezes }, &listOf[Freeze]{item: freezeKeys})},
	{name: "hours", doc: "The only times in which releases begin. Where several fit a release, it begins in the times that all allow.", words: "always",
		bind: at(func(g *Guards) *[]ReleaseHours { return &g.Hours }, &listOf[ReleaseHours]{item: hoursKeys})},
	{name: "limits", doc: "How many releases run at once.", words: "no limit",
		bind: at(func(g *Guards) *[]ReleaseLimit { return &g.Limits }, &listOf[ReleaseLimit]{item: limitKeys})},
}}

// whomKeys say which releases a guard rail holds for, and what it is called.
func whomKeys[T any](sample string, name func(*T) *string, whom func(*T) *Whom) []key[T] {
	return append([]key[T]{
		{name: "name", doc: "What it is called; findings say it.", need: true, sample: sample, bind: at(name, freeText)},
	}, scopeKeys(whom)...)
}

// scopeKeys say which releases something holds for.
func scopeKeys[T any](whom func(*T) *Whom) []key[T] {
	return []key[T]{
		{name: "services", doc: "The services it holds for; `*` stands for anything.", words: "all",
			bind: at(func(t *T) *[]string { return &whom(t).Services }, &listOf[string]{item: pattern})},
		{name: "teams", doc: "The teams (label `team`) it holds for.", words: "all",
			bind: at(func(t *T) *[]string { return &whom(t).Teams }, &listOf[string]{item: pattern})},
		{name: "environments", doc: "The environments (label `environment`) it holds for.", words: "all",
			bind: at(func(t *T) *[]string { return &whom(t).Environments }, &listOf[string]{item: pattern})},
	}
}

var guardRuleKeys = &object[GuardRule]{keys: append(
	whomKeys("small-first-step", func(r *GuardRule) *string { return &r.Name }, func(r *GuardRule) *Whom { return &r.Whom }),
	key[GuardRule]{name: "require", doc: "A CEL expression over `release` that must be true.", need: true, sample: "release.steps[0].weight <= 0.05",
		bind: at(func(r *GuardRule) *string { return &r.Require }, expression)},
	key[GuardRule]{name: "message", doc: "What to do where it is not.", need: true, sample: "begin with at most 5 %",
		bind: at(func(r *GuardRule) *string { return &r.Message }, freeText)},
	key[GuardRule]{name: "warn", doc: "Whether a release that does not meet it is only told so.", def: "false",
		bind: at(func(r *GuardRule) *bool { return &r.Warn }, booleans)},
)}

var freezeKeys = &object[Freeze]{keys: append(
	whomKeys("christmas", func(f *Freeze) *string { return &f.Name }, func(f *Freeze) *Whom { return &f.Whom }),
	key[Freeze]{name: "from", doc: "When it begins, in `zone`: a date, or a date and a time.",
		bind: at(func(f *Freeze) *string { return &f.From }, moments)},
	key[Freeze]{name: "to", doc: "When it ends; a date is frozen to its end.",
		bind: at(func(f *Freeze) *string { return &f.To }, moments)},
	key[Freeze]{name: "zone", doc: "The time zone of its times, and of what in the calendar has none.", def: "UTC",
		bind: at(func(f *Freeze) *string { return &f.Zone }, zones)},
	key[Freeze]{name: "calendar", doc: "An iCalendar file (.ics) whose events are the freezes, repeated ones too.",
		bind: at(func(f *Freeze) *string { return &f.Calendar }, filePath)},
)}

var hoursKeys = &object[ReleaseHours]{keys: append(
	whomKeys("office-hours", func(h *ReleaseHours) *string { return &h.Name }, func(h *ReleaseHours) *Whom { return &h.Whom }),
	key[ReleaseHours]{name: "zone", doc: "The time zone of the hours.", def: "UTC",
		bind: at(func(h *ReleaseHours) *string { return &h.Zone }, zones)},
	key[ReleaseHours]{name: "allow", doc: "The hours, by days of the week.", need: true, sample: "[mon-thu 09:00-16:00, fri 09:00-12:00]",
		bind: at(func(h *ReleaseHours) *[]WeekSpan { return &h.Allow }, &listOf[WeekSpan]{item: spans, min: 1})},
	key[ReleaseHours]{name: "except", doc: "An iCalendar file (.ics) whose events, holidays, are not allowed.", words: "none",
		bind: at(func(h *ReleaseHours) *string { return &h.Except }, filePath)},
)}

var limitKeys = &object[ReleaseLimit]{keys: append(
	whomKeys("one-for-each-team", func(l *ReleaseLimit) *string { return &l.Name }, func(l *ReleaseLimit) *Whom { return &l.Whom }),
	key[ReleaseLimit]{name: "atMost", doc: "How many may run at once.", need: true, sample: "1",
		bind: at(func(l *ReleaseLimit) *int64 { return &l.AtMost }, between(wholes, 1, 10_000))},
	key[ReleaseLimit]{name: "per", doc: "What is counted alone: each service, team or environment, or all releases that the limit holds for together. Services that depend on each other are named under `services` and counted together.", def: PerAll,
		bind: at(func(l *ReleaseLimit) *string { return &l.Per }, oneOf(PerService, PerTeam, PerEnvironment, PerAll))},
)}
