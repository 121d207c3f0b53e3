package rules

// Fits tells whether a name fits a pattern.
func Fits(match, name string) bool { return compile(match).fits(name) }
