// Package email sends alerts as e-mail that can be read on a phone: what is
// slow, where it stands, and the stack with the application's own calls
// standing out, as HTML and as plain text, over an encrypted connection.
//
//	alerts := &alert.Queue{Sinks: []alert.Sink{&email.Sink{
//		Host: "smtp.example.com", Username: "shop", Password: os.Getenv("SMTP_PASSWORD"),
//		From: "Shop <alerts@example.com>", To: []string{"oncall@example.com", "lead@example.com"},
//	}}}
//
// It is built on github.com/wneessen/go-mail: the maintained client of the
// field, where net/smtp is frozen.
package email

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// Security says how the connection is protected.
type Security int

const (
	// STARTTLS begins in the clear and must become TLS before anything of
	// value is said. A server that does not offer it gets no mail.
	STARTTLS Security = iota
	// TLS is TLS from the first byte, RFC 8314's implicit TLS.
	TLS
	// None is no protection: for a relay on the same host.
	None
)

// String is the Security's name.
func (s Security) String() string {
	switch s {
	case STARTTLS:
		return "STARTTLS"
	case TLS:
		return "TLS"
	case None:
		return "None"
	}
	return "Security(" + strconv.Itoa(int(s)) + ")"
}

// A Sink sends each alert as one e-mail on a connection of its own. Host, From
// and To are needed. A Sink has no state: value or pointer, and from several
// goroutines. Printing it, logging it and encoding it as JSON leave out the
// password.
type Sink struct {
	// Host is the server's name, which its certificate must bear.
	Host string
	// Port is the server's. Zero means 587 for STARTTLS, 465 for TLS and 25
	// for None.
	Port int
	// Security is STARTTLS unless it is set.
	Security Security
	// Username and Password log in with the strongest of SCRAM-SHA-256,
	// SCRAM-SHA-1, PLAIN and LOGIN that the server offers. An empty Username
	// does not log in. They are not accepted with None, which would show
	// them to everybody.
	Username, Password string
	// From is the sender, as "a@example.com" or "Shop <a@example.com>".
	From string
	// To are the recipients. One that the server refuses does not keep the
	// mail from the others.
	To []string
	// TLSConfig is cloned for each connection. Nil means the system's roots
	// and at least TLS 1.2; an empty ServerName means Host.
	TLSConfig *tls.Config
	// SubjectPrefix goes before each title, such as "[shop]".
	SubjectPrefix string
	// Timeout bounds the sending of one mail, beside the context. Zero
	// means 30 seconds.
	Timeout time.Duration
	// MaxAttach is how many bytes of Files go with one mail, in the order of
	// the alert; the mail names those that do not fit. Zero means 7 MiB,
	// which is less than 10 MB on the wire; negative means none.
	MaxAttach int64
}

const (
	defaultTimeout   = 30 * time.Second
	defaultMaxAttach = 7 << 20
)

// Send sends the alert to all recipients. It returns an error when one of
// them was refused, even if others have got the mail; the error says which.
// It is an [*alert.LaterError] only when nobody has got it and the server, or
// the way to it, may do better later, and an [*alert.SetupError] when the
// server lets no mail in from us: no login, no encryption, not this sender,
// none of the recipients.
func (s Sink) Send(ctx context.Context, a alert.Alert) error {
	if err := s.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout())
	defer cancel()
	return s.deliver(ctx, a)
}

// Validate reports the first field that cannot be used. It does not connect.
func (s Sink) Validate() error {
	switch {
	case s.Host == "":
		return errors.New("email: Sink.Host is empty; the mail server's name is needed")
	case strings.Contains(s.Host, "/") || alert.OneLine(s.Host, 255) != s.Host:
		return fmt.Errorf("email: Sink.Host is %q; a name or address without a port is accepted", s.Host)
	case s.Port < 0 || s.Port > 65535:
		return fmt.Errorf("email: Sink.Port is %d; 1 to 65535 are accepted, or 0 for the usual one", s.Port)
	case s.Security < STARTTLS || s.Security > None:
		return fmt.Errorf("email: Sink.Security is %v; STARTTLS, TLS and None are accepted", s.Security)
	case s.Security == None && s.Username != "":
		return errors.New("email: Sink.Username is set with Security None, which would send the password in the clear; use STARTTLS or TLS")
	case s.Timeout < 0:
		return fmt.Errorf("email: Sink.Timeout is %v; it must be positive, or 0 for %v", s.Timeout, defaultTimeout)
	case len(s.To) == 0:
		return errors.New("email: Sink.To is empty; at least one address is needed")
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		return fmt.Errorf("email: Sink.From is %q; an address such as shop@example.com is needed", s.From)
	}
	for _, to := range s.To {
		if _, err := mail.ParseAddress(to); err != nil {
			return fmt.Errorf("email: Sink.To has %q; addresses such as oncall@example.com are accepted", to)
		}
	}
	return nil
}

func (s Sink) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Security == TLS:
		return 465
	case s.Security == None:
		return 25
	}
	return 587
}

func (s Sink) addr() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.port())) }

func (s Sink) timeout() time.Duration {
	if s.Timeout == 0 {
		return defaultTimeout
	}
	return s.Timeout
}

func (s Sink) maxAttach() int64 {
	if s.MaxAttach == 0 {
		return defaultMaxAttach
	}
	return s.MaxAttach
}

// String says where mail goes, without the password.
func (s Sink) String() string {
	login := ""
	if s.Username != "" {
		login = s.Username + "@"
	}
	return fmt.Sprintf("email.Sink(%s%s %v from %s to %s)", login, s.addr(), s.Security, s.From, strings.Join(s.To, ", "))
}

// Format prints String, whatever the verb: %+v and %#v would show the password.
func (s Sink) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is String, for log/slog.
func (s Sink) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON is String, for whoever logs as JSON what holds a Sink.
func (s Sink) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
