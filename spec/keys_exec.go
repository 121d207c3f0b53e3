package spec

// Exec is a command that splits the traffic.
type Exec struct {
	Own
	// Command is the program and its arguments; no shell reads it.
	Command []string
	// Folder is where it runs; "" is Linnet's own.
	Folder string
	// Env are names of variables of Linnet's own environment that it gets beside
	// PATH and HOME.
	Env []string
}

var execKeys = &object[Exec]{keys: append([]key[Exec]{
	{name: "command", doc: "The program and its arguments, as a list; no shell reads it. A program with a slash in its name is found from the folder, another in PATH.",
		need: true, sample: "[./split, --service, checkout]",
		bind: at(func(e *Exec) *[]string { return &e.Command }, &listOf[string]{item: freeText, min: 1})},
	{name: "folder", doc: "The folder that it runs in.", words: "Linnet's own",
		bind: at(func(e *Exec) *string { return &e.Folder }, filePath)},
	{name: "env", doc: "Names of environment variables that it gets from Linnet beside PATH and HOME. Their values are kept out of errors.", words: "none",
		bind: at(func(e *Exec) *[]string { return &e.Env }, &listOf[string]{item: variableName})},
}, ownKeys(func(e *Exec) *Own { return &e.Own })...)}

var variableName = named("the name of an environment variable", `^[A-Za-z_][A-Za-z0-9_]{0,62}$`, isVariableName)

func isVariableName(s string) bool {
	return only(s, lower+upper+digits+"_") && only(s[:1], lower+upper+"_")
}
