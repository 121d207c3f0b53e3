package web

import "crypto/tls"

// TLS is what a configuration says of certificates, for what is not asked over
// HTTP. An error wraps release.ErrInvalid and names the field.
func TLS(c Config) (*tls.Config, error) { return tlsConfig(c) }
