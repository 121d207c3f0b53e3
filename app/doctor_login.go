package app

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/release"
)

// wayIn looks at the address and its certificate, and at how people log in.
func (d *serverDiagnosis) wayIn(ctx context.Context, s *serving, timeout time.Duration) {
	at, err := listened(s.settings.Listen)
	if err == nil {
		err = login.MayListen(s.settings, at)
	}
	d.add("address", s.settings.Listen+" may be listened on", err, "change spec.listen, or what it needs")
	if c := s.settings.TLS; c != nil {
		_, err := login.NewCertificate(s.path(c.CertFile), s.path(c.KeyFile), s.log, time.Now)
		d.add("certificate "+c.CertFile, "can be read, with its key", err, "name a certificate and its key that this user can read")
	}
	if s.settings.Login == nil || s.settings.Login.OIDC == nil {
		return
	}
	oidc := s.settings.Login.OIDC
	if oidc.ClientSecretFile != "" {
		_, err := s.oidcSecret()
		d.add("secret at the identity provider", "can be read", err, "write it into the file, for this user to read")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	devices, err := login.Ask(ctx, oidc)
	fine := "answers"
	if !devices {
		fine += "; it has no login for devices, so `linnet login` gets no token, and people make theirs in a browser"
	}
	d.add("identity provider "+oidc.Issuer, fine, err, "see that it can be reached from here, and write spec.login.oidc.issuer as it calls itself")
}

// listened is the address of a host and a port; a name that is none of this
// machine's own is an address that others reach.
func listened(text string) (netip.Addr, error) {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("listen %s: %w: %w", text, err, release.ErrInvalid)
	}
	if at, err := netip.ParseAddr(host); err == nil {
		return at, nil
	}
	if host == "localhost" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	return netip.IPv4Unspecified(), nil
}

// rights tells whether the role that serves could change what was recorded. That
// it can is no fault of a server that has one role.
func (d *serverDiagnosis) rights(ctx context.Context, db *database.DB) {
	can, begun := false, false
	err := db.Glance(ctx, func(tx database.Tx) (err error) {
		if begun, err = tx.Has(ctx, "records"); err != nil || !begun {
			return err
		}
		return tx.QueryRow(ctx, `SELECT has_table_privilege('records', 'UPDATE') OR has_table_privilege('records', 'DELETE') OR has_table_privilege('records', 'TRUNCATE')`).Scan(&can)
	})
	fine := "this role adds records, and can neither change nor remove one"
	switch {
	case !begun:
		fine = "there are no tables yet: the server makes them, or linnet migrate"
	case can:
		fine = "this role could change and remove records: a second one that serves could not, see docs/postgresql.md"
	}
	d.add("rights", fine, err, "let this role read the tables")
}
