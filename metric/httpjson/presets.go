package httpjson

// presets is the table of vendors, in the order in which they are listed.
var presets = []Preset{
	datadog,
	newRelic,
}
