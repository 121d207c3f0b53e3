package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/linnet-project/linnet/release"
)

// The names of keys in files, as OpenSSL writes them.
const (
	privatePEM = "PRIVATE KEY"
	publicPEM  = "PUBLIC KEY"
)

// KeyName is a short name of a key: the first eight bytes of its SHA-256, in hex.
func KeyName(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// NewKey draws a key and gives it and its public half, as the text of two files.
func NewKey(chance io.Reader) (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(chance)
	if err != nil {
		return nil, nil, err
	}
	inner, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	outer, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: inner}), pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: outer}), nil
}

// ParsePrivateKey reads a key (`openssl genpkey -algorithm ed25519` writes such).
// Errors wrap release.ErrInvalid and show nothing of it.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block != nil && block.Type == privatePEM {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if own, ok := key.(ed25519.PrivateKey); ok {
				return own, nil
			}
		}
	}
	return nil, fmt.Errorf("not an Ed25519 key in PEM; `linnet audit key FILE` makes one: %w", release.ErrInvalid)
}

// ParsePublicKey reads the public half of a key.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block != nil && block.Type == publicPEM {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if own, ok := key.(ed25519.PublicKey); ok {
				return own, nil
			}
		}
	}
	return nil, fmt.Errorf("not the public half of an Ed25519 key in PEM; `linnet audit key FILE` writes it to FILE.pub: %w", release.ErrInvalid)
}
