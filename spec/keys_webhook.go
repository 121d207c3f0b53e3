package spec

// Webhook is an HTTP endpoint that splits the traffic.
type Webhook struct {
	Own
	// URL is where every operation is posted to.
	URL string
	// BearerTokenFile is the file that holds the token.
	BearerTokenFile string
	Headers         map[string]string
	TLS
}

var webhookKeys = &object[Webhook]{keys: append([]key[Webhook]{
	{name: "url", doc: "The URL that every operation is posted to.", need: true, sample: "https://split.example.com/checkout",
		bind: at(func(w *Webhook) *string { return &w.URL }, httpURL)},
	{name: "bearerTokenFile", doc: "The file that holds the bearer token.",
		bind: at(func(w *Webhook) *string { return &w.BearerTokenFile }, filePath)},
	{name: "headers", doc: "Headers to send along. No secrets: they would be in the file.",
		bind: at(func(w *Webhook) *map[string]string { return &w.Headers }, texts(openHeader, headerValue, 0))},
	{name: "tls", doc: "How the server's certificate is checked, and what is shown to it.",
		bind: at(func(w *Webhook) *TLS { return &w.TLS }, tlsKeys)},
}, ownKeys(func(w *Webhook) *Own { return &w.Own })...)}
