package email_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/heeler-go/heeler/alert/email"
)

// A received is one mail as the server got it.
type received struct {
	from, user string
	to         []string
	tls        bool
	data       []byte
}

// A server is a real SMTP server on the loopback with a certificate of its own.
type server struct {
	t      *testing.T
	smtp   *smtp.Server
	addr   net.Addr
	listen net.Listener
	roots  *x509.CertPool
	refuse map[string]error // by recipient
	onData func() error     // before the answer to the mail's end
	auth   error

	mu    sync.Mutex
	mails []received
	heard bytes.Buffer // what clients said, decrypted
}

// implicit and plain are how to listen; STARTTLS is the usual.
type mode int

const (
	startTLS mode = iota
	implicit
	plain
)

func serve(t *testing.T, how mode) *server {
	t.Helper()
	cert, roots := certificate(t)
	s := &server{t: t, roots: roots, refuse: map[string]error{}}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, secured := c.TLSConnectionState()
		return &session{s: s, mail: received{tls: secured}}, nil
	}))
	s.smtp.Domain = "127.0.0.1"
	s.smtp.AllowInsecureAuth = how == plain
	s.smtp.Debug = &lockedWriter{s}
	s.smtp.ErrorLog = log.New(io.Discard, "", 0)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr, s.listen = listener.Addr(), listener
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	switch how {
	case startTLS:
		s.smtp.TLSConfig = config
	case implicit:
		listener = tls.NewListener(listener, config)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.smtp.Serve(listener) })
	t.Cleanup(func() { _, _ = s.smtp.Close(), s.listen.Close(); wg.Wait() })
	return s
}

// sink is one that talks to s and trusts its certificate.
func (s *server) sink() *email.Sink {
	host, port, _ := net.SplitHostPort(s.addr.String())
	n, _ := strconv.Atoi(port)
	return &email.Sink{
		Host: host, Port: n, From: "Shop <shop@example.com>", To: []string{"oncall@example.com"},
		TLSConfig: &tls.Config{RootCAs: s.roots}, Timeout: 10 * time.Second,
	}
}

// mail is the only mail that the server got.
func (s *server) mail() received {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails) != 1 {
		s.t.Fatalf("the server got %d mails, want 1", len(s.mails))
	}
	return s.mails[0]
}

func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard.String()
}

type lockedWriter struct{ s *server }

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	return w.s.heard.Write(p)
}

type session struct {
	s    *server
	mail received
}

func (x *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if x.s.auth != nil {
			return x.s.auth
		}
		if password != secret {
			return smtp.ErrAuthFailed
		}
		x.mail.user = user
		return nil
	}), nil
}

func (x *session) Mail(from string, _ *smtp.MailOptions) error { x.mail.from = from; return nil }

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := x.s.refuse[to]; err != nil {
		return err
	}
	x.mail.to = append(x.mail.to, to)
	return nil
}

func (x *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if x.s.onData != nil {
		if err := x.s.onData(); err != nil {
			return err
		}
	}
	x.mail.data = data
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	x.s.mails = append(x.s.mails, x.mail)
	return nil
}

func (x *session) Reset()        {}
func (x *session) Logout() error { return nil }

// certificate makes one for 127.0.0.1, and the pool that trusts it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err2 := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	leaf, err3 := x509.ParseCertificate(der)
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
