package httpjson

// presets is the table of vendors, in the order in which they are listed.
var presets = []Preset{
	datadog,
	newRelic,
	influxDB2,
	influxDB1,
	graphite,
	dynatrace,
	signalFx,
	loki,
	elasticsearch,
}
