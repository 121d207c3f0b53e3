package email_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/notify/email"
	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/release"
)

const password = "geheimes Kennwort"

// server speaks as much SMTP (RFC 5321, 3207 and 4954) as a mail server does to
// whoever hands in mail.
type server struct {
	address string
	config  *tls.Config
	roots   *x509.CertPool

	mu    sync.Mutex
	mails []letter
	// reply replaces the answer to a command, by its line or first word; "hang"
	// answers nothing.
	reply map[string]string
	plain bool // no STARTTLS
	inTLS bool // TLS from the start
}

type letter struct {
	from, user string
	to         []string
	secured    bool
	text       string
}

func start(t *testing.T, with func(*server)) *server {
	t.Helper()
	https := httptest.NewTLSServer(nil) // for its certificate
	https.Close()
	s := &server{config: &tls.Config{Certificates: https.TLS.Certificates}, roots: x509.NewCertPool(), reply: map[string]string{}}
	s.roots.AddCert(https.Certificate())
	if with != nil {
		with(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	var conns sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() { cancel(); _ = l.Close(); conns.Wait() })
	return s
}

// serve talks with one client, until it says goodbye.
func (s *server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var m letter
	if s.inTLS {
		conn, m.secured = tls.Server(conn, s.config), true
	}
	c := textproto.NewConn(conn)
	say := func(line string) { _ = c.PrintfLine("%s", line) }
	say("220 test ESMTP")
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		if answer := cmp.Or(s.reply[line], s.reply[verb]); answer == "hang" {
			_, _ = io.Copy(io.Discard, conn)
			return
		} else if answer != "" {
			say(answer)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-test")
			if !s.plain && !m.secured {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			conn, m.secured = tls.Server(conn, s.config), true
			c = textproto.NewConn(conn)
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			parts := strings.Split(string(raw), "\x00")
			if len(parts) != 3 || parts[2] != password {
				say("535 5.7.8 not you, " + string(raw))
				continue
			}
			m.user = parts[1]
			say("235 welcome")
		case "MAIL":
			m.from = rest
			say("250 ok")
		case "RCPT":
			m.to = append(m.to, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			text, err := io.ReadAll(c.DotReader())
			if err != nil {
				return
			}
			m.text = string(text)
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func open(t *testing.T, s *server, security string) *email.Channel {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := email.Config{
		Server: s.address, Security: security, Username: "linnet", PasswordFile: file, From: "linnet@example.com", To: []string{"anna@example.com", "bo@example.com"},
		TLS: &tls.Config{RootCAs: s.roots}, Timeout: 500 * time.Millisecond, Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) },
	}
	if security == "none" {
		cfg.Username, cfg.PasswordFile = "", ""
	}
	return email.New(cfg)
}

func TestLetters(t *testing.T) {
	for security, with := range map[string]func(*server){"starttls": nil, "tls": func(s *server) { s.inTLS = true }, "none": func(s *server) { s.plain = true }} {
		s := start(t, with)
		c := open(t, s, security)
		m := notifyconf.Message()
		m.Title = "Kännchen: 8.18× worse"
		m.Text += "\n.\n" + strings.Repeat("long ", 300)
		for range 2 {
			if _, err := c.Send(t.Context(), m); err != nil {
				t.Fatalf("%s: %v", security, err)
			}
		}
		if err := c.Check(t.Context()); err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		got := s.mails
		s.mu.Unlock()
		if len(got) != 2 || got[0].secured != (security != "none") || (got[0].user == "linnet") != (security != "none") || len(got[0].to) != 2 || !strings.Contains(got[0].from, "linnet@example.com") {
			t.Fatalf("%s: %+v", security, got)
		}
		read, err := mail.ReadMessage(bufio.NewReader(strings.NewReader(got[0].text)))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(read.Header.Get("Subject"))
		body, err2 := io.ReadAll(quotedprintable.NewReader(read.Body))
		if err != nil || err2 != nil || subject != m.Title || strings.TrimSpace(strings.ReplaceAll(string(body), "\r\n", "\n")) != strings.TrimSpace(m.Text) {
			t.Errorf("%v, %v: %s\n%s", err, err2, subject, body)
		}
		again, err := mail.ReadMessage(strings.NewReader(got[1].text))
		if err != nil || again.Header.Get("Message-ID") != read.Header.Get("Message-ID") || read.Header.Get("References") == "" {
			t.Errorf("%v: %v", err, read.Header)
		}
	}
}

// No text makes a header, whatever is in it.
func TestHostileTexts(t *testing.T) {
	s := start(t, nil)
	if _, err := open(t, s, "starttls").Send(t.Context(), notifyconf.Hostile()); err != nil {
		t.Fatal(err)
	}
	read, err := mail.ReadMessage(strings.NewReader(s.mails[0].text))
	if err != nil || read.Header.Get("Bcc") != "" || len(read.Header) != 11 {
		t.Errorf("%v: %v", err, read.Header)
	}
}

// One address that is gone keeps the letter from nobody else, and is told.
func TestOneOfThePeopleIsGone(t *testing.T) {
	s := start(t, func(s *server) { s.reply["RCPT TO:<anna@example.com>"] = "550 5.1.1 unknown" })
	_, err := open(t, s, "starttls").Send(t.Context(), notifyconf.Message())
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "anna@example.com is refused") {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 || len(s.mails[0].to) != 1 || !strings.Contains(s.mails[0].to[0], "bo@example.com") {
		t.Errorf("%+v", s.mails)
	}
}

// A refusal for now is told from one for good; a server that hangs holds up
// nobody; no password goes over an open line, or into an error.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		with     func(*server)
		security string
		meaning  error
		says     string
	}{
		"greylisted":        {func(s *server) { s.reply["RCPT"] = "451 4.7.1 later" }, "starttls", release.ErrUnavailable, "later"},
		"no such box":       {func(s *server) { s.reply["RCPT"] = "550 5.1.1 unknown" }, "starttls", release.ErrInvalid, "unknown"},
		"hangs":             {func(s *server) { s.reply["MAIL"] = "hang" }, "starttls", release.ErrUnavailable, "did not answer within"},
		"hangs at once":     {func(s *server) { s.reply["EHLO"] = "hang" }, "starttls", release.ErrUnavailable, "did not answer within"},
		"no starttls":       {func(s *server) { s.plain = true }, "starttls", release.ErrInvalid, "does not offer STARTTLS"},
		"wrong password":    {func(s *server) { s.reply["AUTH"] = "535 5.7.8 " + password + " is wrong" }, "starttls", release.ErrInvalid, "***"},
		"no tls":            {nil, "tls", release.ErrUnavailable, ""},
		"strange authority": {func(s *server) { s.roots = x509.NewCertPool() }, "starttls", release.ErrInvalid, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.with)
			_, err := open(t, s, c.security).Send(t.Context(), notifyconf.Message())
			if !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), password) {
				t.Error(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.mails) > 0 {
				t.Error("the mail was taken")
			}
		})
	}
	gone := start(t, nil)
	l := gone.address
	gone.address = strings.Replace(l, "127.0.0.1", "127.0.0.2", 1)
	if _, err := open(t, gone, "starttls").Send(t.Context(), notifyconf.Message()); !errors.Is(err, release.ErrUnavailable) {
		t.Error(err)
	}
}
