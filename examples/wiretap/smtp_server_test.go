package wiretap_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a mail server, on emersion/go-smtp, which keeps what it is sent.
type mailbox struct {
	mu    sync.Mutex
	mails []string
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return session{m}, nil }

// got gives the mails since it was last called.
func (m *mailbox) got() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	mails := m.mails
	m.mails = nil
	return mails
}

type session struct{ *mailbox }

func (s session) Reset()                               {}
func (s session) Logout() error                        { return nil }
func (s session) Mail(string, *smtp.MailOptions) error { return nil }
func (s session) AuthMechanisms() []string             { return []string{sasl.Plain} }
func (s session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such\nuser"}
	}
	return nil
}

func (s session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, string(text))
	return err
}

func (s session) Auth(string) (sasl.Server, error) {
	check := func(user, password string) error {
		if user != "u" || password != "p" {
			return errors.New("no")
		}
		return nil
	}
	return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
}

// serveMail runs a mail server; TLS is offered with a certificate that nobody knows.
func serveMail(t *testing.T) (box *mailbox, addr string) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	certificates := web.TLS.Certificates
	web.Close()
	box = &mailbox{}
	server := smtp.NewServer(box)
	server.Domain, server.AllowInsecureAuth, server.EnableBINARYMIME = "localhost", true, true
	server.TLSConfig = &tls.Config{Certificates: certificates}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { server.Serve(listener) })
	t.Cleanup(func() { server.Shutdown(context.Background()); running.Wait() })
	return box, listener.Addr().String()
}
