package spec

// TLS says how a server's certificate is checked, and what is shown to it.
type TLS struct {
	CAFile     string
	CertFile   string
	KeyFile    string
	ServerName string
	Insecure   bool
}

var tlsKeys = &object[TLS]{keys: []key[TLS]{
	{name: "caFile", doc: "The certificates to trust.", words: "the system's",
		bind: at(func(t *TLS) *string { return &t.CAFile }, filePath)},
	{name: "certFile", doc: "The client's certificate. Needs keyFile.",
		bind: at(func(t *TLS) *string { return &t.CertFile }, filePath)},
	{name: "keyFile", doc: "The client's key. Needs certFile.",
		bind: at(func(t *TLS) *string { return &t.KeyFile }, filePath)},
	{name: "serverName", doc: "The name the server's certificate must have.", words: "the URL's host",
		bind: at(func(t *TLS) *string { return &t.ServerName }, freeText)},
	{name: "insecureSkipVerify", doc: "Whether any certificate is taken: then nothing proves who answers.", words: "`false`",
		bind: at(func(t *TLS) *bool { return &t.Insecure }, booleans)},
}}

// certificateRules refuses a certificate without its key, and a key without its
// certificate.
func certificateRules(c *checker, t TLS, path string) {
	if (t.CertFile == "") != (t.KeyFile == "") && c.fine(path+".tls.certFile", path+".tls.keyFile") {
		c.fail(path+".tls", "has only one of certFile and keyFile", "write both or none")
	}
}
