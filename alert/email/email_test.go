package email_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/email"
)

const secret = "correct horse & staple"

func TestMailGoesOverSTARTTLSAndOverTLSFromTheStart(t *testing.T) {
	for how, security := range map[mode]email.Security{startTLS: email.STARTTLS, implicit: email.TLS, plain: email.None} {
		t.Run(security.String(), func(t *testing.T) {
			s := serve(t, how)
			sink := s.sink()
			sink.Security = security
			if security != email.None {
				sink.Username, sink.Password = "shop", secret
			}
			sink.To = []string{"oncall@example.com", "Lead <lead@example.com>"}
			if err := sink.Send(t.Context(), example()); err != nil {
				t.Fatal(err)
			}
			got := s.mail()
			if got.tls != (security != email.None) || got.user != sink.Username || got.from != "shop@example.com" {
				t.Errorf("the server got tls %v, user %q, from %q", got.tls, got.user, got.from)
			}
			if want := []string{"oncall@example.com", "lead@example.com"}; !slices.Equal(got.to, want) {
				t.Errorf("the mail went to %q, want %q", got.to, want)
			}
		})
	}
}

func TestARefusedRecipientDoesNotKeepTheMailFromTheOthers(t *testing.T) {
	s := serve(t, startTLS)
	s.refuse["gone@example.com"] = &smtp.SMTPError{Code: 550, Message: "no such user"}
	sink := s.sink()
	sink.To = []string{"a@example.com", "gone@example.com", "b@example.com"}
	err := sink.Send(t.Context(), example())
	if err == nil || !strings.HasPrefix(err.Error(), "email: sent to 2 of 3; "+s.addr.String()+" refused <gone@example.com>: 550 ") {
		t.Errorf("Send says %v", err)
	}
	if got := s.mail().to; !slices.Equal(got, []string{"a@example.com", "b@example.com"}) {
		t.Errorf("the mail went to %q", got)
	}
	if isLater(err) {
		t.Error("a mail that some have got must not be sent again")
	}
}

func isLater(err error) bool {
	var later *alert.LaterError
	return errors.As(err, &later)
}

func TestWhatTheServerSaysDecidesWhetherToTryAgain(t *testing.T) {
	busy := &smtp.SMTPError{Code: 451, Message: "try later"}
	never := &smtp.SMTPError{Code: 554, Message: "never"}
	for name, c := range map[string]struct {
		set   func(*server, *email.Sink)
		text  string
		later bool
	}{
		"all recipients busy": {func(s *server, _ *email.Sink) { s.refuse["oncall@example.com"] = busy }, "try later", true},
		"all refused":         {func(s *server, _ *email.Sink) { s.refuse["oncall@example.com"] = never }, "554", false},
		"the mail, for now":   {func(s *server, _ *email.Sink) { s.onData = func() error { return busy } }, "451", true},
		"the mail, for good":  {func(s *server, _ *email.Sink) { s.onData = func() error { return never } }, "never", false},
		"the password": {func(_ *server, e *email.Sink) { e.Username, e.Password = "shop", "wrong" },
			"535", false},
		"the certificate": {func(_ *server, e *email.Sink) { e.TLSConfig.RootCAs = x509.NewCertPool() }, "certificate", false},
		"nobody there":    {func(s *server, _ *email.Sink) { s.listen.Close() }, "connection refused", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, startTLS)
			sink := s.sink()
			c.set(s, sink)
			err := sink.Send(t.Context(), example())
			if err == nil || !strings.Contains(err.Error(), c.text) || !strings.Contains(err.Error(), s.addr.String()) {
				t.Errorf("Send says %v, want %q and the address in it", err, c.text)
			}
			if isLater(err) != c.later {
				t.Errorf("to be tried again: %v, want %v", isLater(err), c.later)
			}
		})
	}
}

func TestAServerWithoutSTARTTLSGetsNeitherPasswordNorMail(t *testing.T) {
	s := serve(t, plain)
	sink := s.sink()
	sink.Username, sink.Password = "shop", secret
	err := sink.Send(t.Context(), example())
	if err == nil || !strings.Contains(err.Error(), "STARTTLS") || isLater(err) {
		t.Errorf("Send says %v", err)
	}
	for _, word := range []string{"AUTH", "MAIL", "DATA"} {
		if said := s.said(); strings.Contains(said, "\n"+word) {
			t.Errorf("the client went as far as %s:\n%s", word, said)
		}
	}
}

// script is a server that says its lines and then nothing more.
func script(t *testing.T, lines ...string) *email.Sink {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for _, l := range lines {
					_, _ = io.WriteString(conn, l)
					_, _ = in.ReadString('\n')
				}
				_, _ = io.Copy(io.Discard, in) // until the client hangs up
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); wg.Wait() })
	host, port, _ := net.SplitHostPort(listener.Addr().String())
	n, _ := strconv.Atoi(port)
	return &email.Sink{Host: host, Port: n, Security: email.None, From: "a@example.com", To: []string{"b@example.com"}}
}

func TestAServerThatHangsIsLeftWhenTheContextEnds(t *testing.T) {
	lines := []string{"220 hi\r\n", "250 hi\r\n", "250 from\r\n", "250 to\r\n", "354 go\r\n"}
	for n := range len(lines) + 1 {
		t.Run(fmt.Sprintf("after %d answers", n), func(t *testing.T) {
			sink := script(t, lines[:n]...)
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := sink.Send(ctx, example())
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
				t.Errorf("Send came back after %v with %v", time.Since(start), err)
			}
			// Once the mail is out nobody knows whether the server has it.
			if want := n < len(lines); isLater(err) != want {
				t.Errorf("to be tried again: %v, want %v", isLater(err), want)
			}

			sink.Timeout = 50 * time.Millisecond
			if err := sink.Send(t.Context(), example()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("with a Timeout of its own, Send says %v", err)
			}
		})
	}
}

func TestAServerThatIsNoGoodIsHungUpOn(t *testing.T) {
	sink := script(t, "220 hi\r\n", "250 no encryption here\r\n") // whose end waits for us to hang up
	sink.Security = email.STARTTLS
	if err := sink.Send(t.Context(), example()); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("Send says %v", err)
	}
}

func TestACancelledContextIsTheError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := script(t).Send(ctx, example()); !errors.Is(err, context.Canceled) || isLater(err) {
		t.Errorf("Send says %v", err)
	}
}

func TestThePasswordIsNowhere(t *testing.T) {
	s := serve(t, startTLS)
	// A server may echo what it refuses, plain or as it came over the wire.
	s.auth = &smtp.SMTPError{Code: 535, Message: "no: " + secret + " AHNob3AAY29ycmVjdCBob3JzZSAmIHN0YXBsZQ=="}
	sink := s.sink()
	sink.Username, sink.Password = "shop", secret
	err := sink.Send(t.Context(), example())
	if err == nil || !strings.Contains(err.Error(), "535") {
		t.Fatalf("Send says %v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sink", sink, "value", *sink, "queue", alert.Queue{Sinks: []alert.Sink{sink}}.Sinks)
	sink.TLSConfig = nil // which JSON could not encode, and would so hide the rest
	asJSON, jsonErr := json.Marshal(map[string]any{"sink": sink})
	if jsonErr != nil {
		t.Error(jsonErr)
	}
	for _, shown := range []string{
		err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", errors.Unwrap(err)), log.String(), string(asJSON),
		fmt.Sprint(sink), fmt.Sprintf("%v %+v %#v %s %q %d %x", sink, *sink, sink, sink, sink, sink, *sink),
		fmt.Sprintf("%+v", struct{ S *email.Sink }{sink}), fmt.Sprintf("%#v", []alert.Sink{*sink}),
	} {
		if strings.Contains(shown, "horse") || strings.Contains(shown, "aG9yc2") || strings.Contains(shown, "Y29ycmVjdC") || strings.Contains(shown, "686f727365") {
			t.Errorf("the password is in %s", shown)
		}
	}
	if got, want := fmt.Sprint(sink), "email.Sink(shop@"+s.addr.String()+" STARTTLS from Shop <shop@example.com> to oncall@example.com)"; got != want {
		t.Errorf("the sink prints as %s, want %s", got, want)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	good := email.Sink{Host: "h", From: "a@example.com", To: []string{"b@example.com"}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*email.Sink){
		"Sink.Host is empty":                                   func(s *email.Sink) { s.Host = "" },
		`Sink.Host is "unix:///x"`:                             func(s *email.Sink) { s.Host = "unix:///x" },
		"Sink.Port is 70000; 1 to 65535 are accepted":          func(s *email.Sink) { s.Port = 70000 },
		"Sink.Security is Security(7); STARTTLS, TLS and None": func(s *email.Sink) { s.Security = 7 },
		"would send the password in the clear":                 func(s *email.Sink) { s.Security, s.Username = email.None, "u" },
		"Sink.Timeout is -1ns":                                 func(s *email.Sink) { s.Timeout = -1 },
		"Sink.To is empty":                                     func(s *email.Sink) { s.To = nil },
		`Sink.From is "nobody"`:                                func(s *email.Sink) { s.From = "nobody" },
		`Sink.To has "b@x\r\nRCPT"`:                            func(s *email.Sink) { s.To = []string{"b@x\r\nRCPT"} },
	} {
		s := good
		change(&s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), "email: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate says %v, want %q in it", err, want)
		} else if sent := s.Send(t.Context(), example()); sent == nil || sent.Error() != err.Error() {
			t.Errorf("Send says %v, want what Validate says", sent)
		}
	}
}

func ExampleSink() {
	sink := email.Sink{
		Host: "smtp.example.com", Username: "shop", Password: "from the environment",
		From: "Shop <alerts@example.com>", To: []string{"oncall@example.com", "lead@example.com"},
		SubjectPrefix: "[shop]",
	}
	alerts := &alert.Queue{Sinks: []alert.Sink{sink}}
	fmt.Println(alerts.Validate(), sink)
	// Output: <nil> email.Sink(shop@smtp.example.com:587 STARTTLS from Shop <alerts@example.com> to oncall@example.com, lead@example.com)
}
