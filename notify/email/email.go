// Package email writes to people by way of a mail server. Messages about one
// attempt of a release make a thread, and one that is sent again has the same
// Message-ID, by which many mail programs show it once.
package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// Config says where messages go. Username and PasswordFile may be empty.
type Config struct {
	// Server is host:port; Security is starttls, tls or none.
	Server, Security       string
	Username, PasswordFile string
	From                   string
	To                     []string
	// TLS says how the server's certificate is checked.
	TLS     *tls.Config
	Timeout time.Duration
	Now     func() time.Time
}

// Channel is people who are written to.
type Channel struct{ cfg Config }

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg} }

// maxSubject bounds a subject, in characters.
const maxSubject = 200

// Send writes a message. Where the server refuses some of the people for good, the
// others get it all the same, and the error names those who do not.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	return release.Sent{Thread: c.thread(m)}, c.talk(ctx, func(s *smtp.Client) error {
		if err := s.Mail(c.cfg.From); err != nil {
			return err
		}
		refused, err := c.address(s)
		if err != nil {
			return err
		}
		w, err := s.Data()
		if err != nil {
			return err
		}
		if _, err := w.Write(c.letter(m)); err != nil {
			return err
		}
		return errors.Join(w.Close(), refused)
	})
}

// address says whom the message is to: refused are those that the server will
// never take, err where it takes nobody, or may take somebody later.
func (c *Channel) address(s *smtp.Client) (refused, err error) {
	var all []error
	for _, to := range c.cfg.To {
		err := s.Rcpt(to)
		var reply *textproto.Error
		switch {
		case err == nil:
		case errors.As(err, &reply) && reply.Code >= 500:
			all = append(all, fmt.Errorf("%s is refused: %w", to, err))
		default:
			return nil, err
		}
	}
	refused = errors.Join(all...)
	if len(all) == len(c.cfg.To) {
		return nil, refused
	}
	return refused, nil
}

// Check logs in, and sends nothing.
func (c *Channel) Check(ctx context.Context) error {
	return c.talk(ctx, func(s *smtp.Client) error { return s.Noop() })
}

// talk connects, secures the connection, logs in, and has its say.
func (c *Channel) talk(ctx context.Context, say func(*smtp.Client) error) (err error) {
	password := ""
	if c.cfg.PasswordFile != "" {
		if password, err = post.Secret(c.cfg.PasswordFile); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.cfg.Server)
	if err == nil {
		// A server that stops answering is hung up on. It is the connection that is
		// closed, since the client has another one after STARTTLS.
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		err = c.over(ctx, conn, password, say)
	}
	return c.told(ctx, err, password)
}

// over has its say over a connection, and closes it.
func (c *Channel) over(ctx context.Context, conn net.Conn, password string, say func(*smtp.Client) error) error {
	s, err := c.greet(ctx, conn)
	if err != nil {
		return err
	}
	err = c.converse(s, password, say)
	_ = s.Close() // what was said is said
	return err
}

// greet waits for the server's greeting, within TLS where that comes first.
func (c *Channel) greet(ctx context.Context, conn net.Conn) (*smtp.Client, error) {
	host, _, err := net.SplitHostPort(c.cfg.Server)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", err, release.ErrInvalid), conn.Close())
	}
	if c.cfg.Security == "tls" {
		secured := tls.Client(conn, c.tls(host))
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secured
	}
	s, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (c *Channel) converse(s *smtp.Client, password string, say func(*smtp.Client) error) error {
	host, _, _ := net.SplitHostPort(c.cfg.Server)
	if err := s.Hello("localhost"); err != nil {
		return err
	}
	if c.cfg.Security == "starttls" {
		if ok, _ := s.Extension("STARTTLS"); !ok {
			return fmt.Errorf("the server does not offer STARTTLS; use another port, or say security: tls: %w", release.ErrInvalid)
		}
		if err := s.StartTLS(c.tls(host)); err != nil {
			return err
		}
	}
	if c.cfg.Username != "" {
		if err := s.Auth(smtp.PlainAuth("", c.cfg.Username, password, host)); err != nil {
			return err
		}
	}
	if err := say(s); err != nil {
		return err
	}
	_ = s.Quit() // the message is taken already
	return nil
}

func (c *Channel) tls(host string) *tls.Config {
	own := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.cfg.TLS != nil {
		own = c.cfg.TLS.Clone()
	}
	if own.ServerName == "" {
		own.ServerName = host
	}
	return own
}

// told gives an error its meaning: 4yz may go right later, 5yz not (RFC 5321,
// 4.2.1).
func (c *Channel) told(ctx context.Context, err error, password string) error {
	if err == nil {
		return nil
	}
	said := secret.Told(err.Error(), []string{password})
	if password == "" {
		said = err.Error()
	}
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "?")), " ")
	var reply *textproto.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, release.ErrInvalid):
		return fmt.Errorf("%s: %w", c.cfg.Server, err)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s did not answer within %s: %w", c.cfg.Server, c.cfg.Timeout, release.ErrUnavailable)
	case errors.As(err, &reply) && reply.Code >= 500, errors.As(err, &certificate):
		return fmt.Errorf("%s: %s: %w", c.cfg.Server, post.Cut(said, 300), release.ErrInvalid)
	}
	return fmt.Errorf("%s: %s: %w", c.cfg.Server, post.Cut(said, 300), release.ErrUnavailable)
}

// thread is the Message-ID that all messages about an attempt of a release refer
// to.
func (c *Channel) thread(m release.Message) string {
	if m.Digest || len(m.Notices) == 0 {
		return ""
	}
	n := m.Notices[0]
	return c.messageID(fmt.Sprintf("thread %s/%d", n.Release, n.Attempt))
}

// messageID is the same for the same name.
func (c *Channel) messageID(name string) string {
	sum := sha256.Sum256([]byte(name))
	_, host, _ := strings.Cut(c.cfg.From, "@")
	return "<" + hex.EncodeToString(sum[:16]) + "@" + host + ">"
}

// letter is a message as it goes over the wire.
func (c *Channel) letter(m release.Message) []byte {
	var b bytes.Buffer
	line := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	line("From", c.cfg.From)
	line("To", strings.Join(c.cfg.To, ", "))
	line("Subject", mime.QEncoding.Encode("utf-8", post.Cut(strings.Join(strings.Fields(m.Title), " "), maxSubject)))
	line("Date", c.cfg.Now().Format(time.RFC1123Z))
	line("Message-ID", c.messageID(m.ID))
	if thread := c.thread(m); thread != "" {
		line("In-Reply-To", thread)
		line("References", thread)
	}
	line("Auto-Submitted", "auto-generated") // RFC 3834: no answers of absence, please
	line("MIME-Version", "1.0")
	line("Content-Type", "text/plain; charset=utf-8")
	line("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(m.Text, "\n", "\r\n") + "\r\n")) // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}
