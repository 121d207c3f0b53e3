package spec

import "time"

// Program is a command of the user's own.
type Program struct {
	// Command is the program and its arguments; no shell reads it.
	Command []string
	// Folder is where it runs; "" is Linnet's own.
	Folder string
	// Env are names of variables of Linnet's own environment that it gets beside
	// PATH and HOME.
	Env []string
}

// Exec is a command that splits the traffic.
type Exec struct {
	Own
	Program
}

// ExecSource is a command that prints observations.
type ExecSource struct {
	Program
	// Grain is how coarse and Lag how late its answers are.
	Grain, Lag time.Duration
	Timeout    time.Duration
}

var execKeys = &object[Exec]{keys: append(
	programKeys(func(e *Exec) *Program { return &e.Program }, "[./split, --service, checkout]"),
	ownKeys(func(e *Exec) *Own { return &e.Own })...)}

var execSourceKeys = &object[ExecSource]{keys: append(
	programKeys(func(e *ExecSource) *Program { return &e.Program }, "[./orders.py, --shop, eu]"), []key[ExecSource]{
		{name: "grain", doc: "How coarse its answers are: the time between two of what it tells.", def: "15s",
			bind: at(func(e *ExecSource) *time.Duration { return &e.Grain }, between(durations, time.Second, time.Hour))},
		{name: "lag", doc: "How long after a moment its answers about it are whole.", def: "5s", zero: true,
			bind: at(func(e *ExecSource) *time.Duration { return &e.Lag }, between(durations, 0, time.Hour))},
		{name: "timeout", doc: "How long one run may take.", def: "10s",
			bind: at(func(e *ExecSource) *time.Duration { return &e.Timeout }, between(durations, 100*time.Millisecond, 5*time.Minute))},
	}...)}

// programKeys are those of everything that runs a command.
func programKeys[T any](place func(*T) *Program, sample string) []key[T] {
	return []key[T]{
		{name: "command", doc: "The program and its arguments, as a list; no shell reads it. A program with a slash in its name is found from the folder, another in PATH.",
			need: true, sample: sample,
			bind: at(func(t *T) *[]string { return &place(t).Command }, &listOf[string]{item: commandWord, min: 1})},
		{name: "folder", doc: "The folder that it runs in.", words: "Linnet's own",
			bind: at(func(t *T) *string { return &place(t).Folder }, filePath)},
		{name: "env", doc: "Names of environment variables that it gets from Linnet beside PATH and HOME. Their values are kept out of errors.", words: "none",
			bind: at(func(t *T) *[]string { return &place(t).Env }, &listOf[string]{item: variableName})},
	}
}

var variableName = named("the name of an environment variable", `^[A-Za-z_][A-Za-z0-9_]{0,62}$`, isVariableName)

func isVariableName(s string) bool {
	return only(s, lower+upper+digits+"_") && only(s[:1], lower+upper+"_")
}

func (e *ExecSource) pace() (grain, lag time.Duration) { return e.Grain, e.Lag }

func (e *ExecSource) rules(*checker, *File, string) {}
