package faults_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	server "github.com/emersion/go-smtp"

	"github.com/heeler-go/heeler/chaos/wire"
)

// letter is the payload in lines.
var letter = strings.ReplaceAll(payload, ". ", ".\r\n")

// A postbox takes every mail whose text is the right one.
type postbox struct{}

func (postbox) NewSession(*server.Conn) (server.Session, error) { return postbox{}, nil }
func (postbox) Reset()                                          {}
func (postbox) Logout() error                                   { return nil }
func (postbox) Mail(string, *server.MailOptions) error          { return nil }
func (postbox) Rcpt(string, *server.RcptOptions) error          { return nil }

func (postbox) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err == nil && string(text) != letter {
		return &server.SMTPError{Code: 554, EnhancedCode: server.EnhancedCode{5, 6, 0}, Message: "not what was sent"}
	}
	return err
}

func mail(t *testing.T) backend {
	s := server.NewServer(postbox{})
	s.Domain = "localhost"
	s.ErrorLog = log.New(io.Discard, "", 0)
	return backend{
		name: "SMTP", client: "net/smtp", server: "go-smtp", protocol: wire.SMTP, addr: serve(t, s),
		code: "452", want: "*textproto.Error 452",
		typed: typedAs(func(e *textproto.Error) any { return e.Code }),
		open:  func(t testing.TB, addr string) *client { return mailClient(addr) },
	}
}

// serve runs a server on a free port until the test is over.
func serve(t *testing.T, s interface {
	Serve(net.Listener) error
	Close() error
}) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { s.Serve(ln) })
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return ln.Addr().String()
}

// mailClient keeps a session while the server says nothing worse than no.
func mailClient(addr string) *client {
	var (
		conn    net.Conn
		session *smtp.Client
		denied  bool
	)
	c := &client{close: func() {
		if conn != nil {
			conn.Close()
		}
		session, denied = nil, false
	}}
	send := func(ctx context.Context) (err error) {
		end, _ := ctx.Deadline()
		if session == nil {
			c.close()
			if conn, err = new(net.Dialer).DialContext(ctx, "tcp", addr); err != nil {
				return err
			}
			conn.SetDeadline(end)
			if session, err = smtp.NewClient(conn, "localhost"); err != nil {
				return err
			}
		}
		conn.SetDeadline(end)
		if denied { // there may be half a mail
			if err := session.Reset(); err != nil {
				return err
			}
		}
		if err := session.Mail("a@localhost"); err != nil {
			return err
		}
		if err := session.Rcpt("b@localhost"); err != nil {
			return err
		}
		w, err := session.Data()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, letter)
		return errors.Join(err, w.Close())
	}
	c.call = func(ctx context.Context) error {
		err := send(ctx)
		var no *textproto.Error
		denied = errors.As(err, &no)
		if err != nil && !denied {
			c.close()
		}
		return err
	}
	return c
}
