package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/heeler-go/heeler/alert"
)

// deliver does what go-mail's DialAndSend does, but for three things: ctx ends
// it at any moment, not only while dialling; the connection is closed on every
// way out; and one refused recipient does not keep the mail from the others.
// ctx must end when Send returns.
func (s Sink) deliver(ctx context.Context, a alert.Alert) error {
	msg, err := s.message(a)
	if err != nil {
		return fmt.Errorf("email: cannot make the message: %w", err)
	}
	client, err := s.client(func(dialling context.Context, _, addr string) (net.Conn, error) {
		raw, err := (&net.Dialer{}).DialContext(dialling, "tcp", addr)
		if err != nil {
			return nil, err
		}
		// dialling ends with the dialling; ctx holds for the whole mail, and
		// ends with Send, whichever way it goes.
		context.AfterFunc(ctx, func() { _ = raw.Close() })
		return s.secure(dialling, raw)
	})
	if err != nil {
		return s.failed(ctx, "set up", err, true)
	}
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.failed(ctx, "connect to", err, true)
	}
	return s.transact(ctx, server, msg)
}

// secure makes raw a TLS connection where that is from the first byte.
func (s Sink) secure(ctx context.Context, raw net.Conn) (net.Conn, error) {
	if s.Security != TLS {
		return raw, nil
	}
	secured := tls.Client(raw, s.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return secured, nil
}

func (s Sink) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLSConfig != nil {
		config = s.TLSConfig.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = s.Host
	}
	return config
}

func (s Sink) client(dial mail.DialContextFunc) (*mail.Client, error) {
	options := []mail.Option{
		// The context rules; were go-mail's own limit as long, a race would
		// decide which of them a failure is blamed on.
		mail.WithPort(s.port()), mail.WithTimeout(s.timeout() + time.Minute), mail.WithDialContextFunc(dial),
		mail.WithTLSConfig(s.tlsConfig()),
	}
	switch s.Security {
	case STARTTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLS:
		options = append(options, mail.WithSSL())
	case None:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.Username != "" {
		// go-mail's own discovery does not know that our dialler has
		// encrypted, and its PLAIN-NOENC is not for us.
		options = append(options, mail.WithUsername(s.Username), mail.WithPassword(s.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(s.Host, options...)
}

// transact hands msg over to a server that has let us in.
func (s Sink) transact(ctx context.Context, server *smtp.Client, msg *mail.Msg) error {
	from, err := msg.GetSender(false)
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	to, err := msg.GetRecipients()
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	if err := server.Mail(from); err != nil {
		return s.failed(ctx, "send as "+from+" through", err, true)
	}
	var refused []error
	for _, rcpt := range to {
		if err := server.Rcpt(rcpt); err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", rcpt, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(refused) == len(to) || ctx.Err() != nil {
		return s.failed(ctx, "find a recipient at", errors.Join(refused...), true)
	}
	w, err := server.Data()
	if err != nil {
		return s.failed(ctx, sending, err, true)
	}
	if _, err := msg.WriteTo(w); err != nil {
		return s.failed(ctx, sending, err, true)
	}
	// From here on the mail may be on its way even if we hear of an error,
	// and only a server's own no makes another try safe.
	if err := w.Close(); err != nil {
		return s.failed(ctx, sending, err, false)
	}
	_ = server.Quit() // it has the mail: what it says to the goodbye changes nothing
	if len(refused) > 0 {
		return fmt.Errorf("email: sent to %d of %d; %s refused %s", len(to)-len(refused), len(to), s.addr(),
			s.withoutSecret(strings.ReplaceAll(errors.Join(refused...).Error(), "\n", "; ")))
	}
	return nil
}

// sending is what fails when it is for the sake of the mail.
const sending = "send through"

// failed says what went wrong, and whether another try may help: unsent is
// that the server cannot have taken the mail.
func (s Sink) failed(ctx context.Context, what string, err error, unsent bool) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause // rather than "use of closed network connection"
	}
	said := fmt.Errorf("email: cannot %s %s: %s", what, s.addr(),
		s.withoutSecret(strings.ReplaceAll(err.Error(), "\n", "; ")))
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			said = &ended{said.Error(), known}
		}
	}
	switch {
	case transient(err, unsent):
		return &alert.LaterError{Err: said}
	case what != sending && context.Cause(ctx) == nil:
		return &alert.SetupError{Err: said} // the server has not even been shown the mail
	}
	return said
}

// An ended is an error whose text is without secrets, caused by a context.
type ended struct {
	text  string
	cause error
}

func (e *ended) Error() string { return e.text }
func (e *ended) Unwrap() error { return e.cause }

// transient tells a failure that may pass. A server's 4yz is "try again"
// (RFC 5321 §4.2.1); an error on the way is one as long as nothing was handed
// over. A certificate that does not hold is no net.Error, and will not hold in
// five seconds either.
func transient(err error, unsent bool) bool {
	var reply *textproto.Error
	if errors.As(err, &reply) {
		return reply.Code/100 == 4
	}
	if !unsent || errors.Is(err, context.Canceled) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// withoutSecret cuts the password, plain and as it goes over the wire, from
// what a server has said: some repeat the command that they refuse.
func (s Sink) withoutSecret(text string) string {
	if s.Password == "" {
		return text
	}
	encode := base64.StdEncoding.EncodeToString
	for _, secret := range []string{
		encode([]byte("\x00" + s.Username + "\x00" + s.Password)), encode([]byte(s.Password)), s.Password,
	} {
		text = strings.ReplaceAll(text, secret, "[password]")
	}
	return text
}
