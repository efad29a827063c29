package wiretap_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	stdsmtp "net/smtp"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// dialMail says hello with net/smtp through a tap.
func dialMail(t *testing.T, tp *tap) *stdsmtp.Client {
	t.Helper()
	client, err := stdsmtp.Dial(tp.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if err := client.Hello("here"); err != nil {
		t.Fatal(err)
	}
	tp.counts(0)
	return client
}

// send is the end of a mail.
func send(client *stdsmtp.Client, text string) error {
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

func code(err error, want int) error {
	var no *textproto.Error
	if !errors.As(err, &no) || no.Code != want {
		return errors.New("got " + errText(err))
	}
	return nil
}

func errText(err error) string {
	if err == nil {
		return "no error"
	}
	return err.Error()
}

func TestACommandOfNetSMTPIsOneRequest(t *testing.T) {
	box, addr := serveMail(t)
	tp := listen(t, wire.SMTP, addr)
	client := dialMail(t, tp)
	if err := code(dialMail(t, tp).Auth(stdsmtp.PlainAuth("", "u", "x", "127.0.0.1")), 454); err != nil {
		t.Errorf("a wrong password: %v", err)
	}
	if requests, _ := tp.counts(0); requests != 3 { // with "*", which gives up, and QUIT
		t.Errorf("a wrong password: %d requests", requests)
	}
	text := strings.Repeat("a line\r\n.\r\n..\r\n", 100_000)
	for _, step := range []struct {
		name     string
		do       func() error
		requests int
	}{
		{"password", func() error { return client.Auth(stdsmtp.PlainAuth("", "u", "p", "127.0.0.1")) }, 1},
		{"noop", client.Noop, 1},
		{"from", func() error { return client.Mail("a@b") }, 1},
		{"to", func() error { return client.Rcpt("c@d") }, 1},
		{"to nobody", func() error { return code(client.Rcpt("nobody@d"), 550) }, 1},
		{"text", func() error { return send(client, text) }, 2},
		{"text too early", func() error { return code(send(client, "x"), 502) }, 1},
		{"reset", client.Reset, 1},
		{"verify", func() error { return code(client.Verify("a@b"), 252) }, 1},
		{"quit", client.Quit, 1},
	} {
		err := step.do()
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if requests, silent := tp.counts(0); requests != step.requests || silent != 0 {
			t.Errorf("%s: %d requests, %d without an answer; want %d", step.name, requests, silent, step.requests)
		}
	}
	if got := box.got(); len(got) != 1 || got[0] != text {
		t.Errorf("%d mails", len(got))
	}
	if tp.opaque > 0 {
		t.Error("something was not understood")
	}
}

func TestWhatIsSaidUnderTLSIsRelayed(t *testing.T) {
	box, addr := serveMail(t)
	tp := listen(t, wire.SMTP, addr)
	client := dialMail(t, tp)
	if err := client.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(client.Mail("a@b"), client.Rcpt("c@d"), send(client, "secret"), client.Quit()); err != nil {
		t.Fatal(err)
	}
	if requests, _ := tp.counts(0); requests != 1 || tp.opaque != 1 || !slices.Equal(box.got(), []string{"secret\r\n"}) {
		t.Errorf("%d requests, %d not understood", requests, tp.opaque)
	}
}

func TestPipelinedMailsAndChunksAreCounted(t *testing.T) {
	box, addr := serveMail(t)
	tp := listen(t, wire.SMTP, addr)
	conn, err := net.Dial("tcp", tp.addr)
	if err != nil {
		t.Fatal(err)
	}
	answers := textproto.NewConn(conn)
	defer answers.Close()
	say := func(said string, codes ...int) {
		t.Helper()
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		for _, want := range codes {
			if _, _, err := answers.ReadResponse(want); err != nil {
				t.Errorf("%.30q: %v", said, err)
			}
		}
	}
	say("", 220)
	say("EHLO me\r\nAUTH PLAIN AHUAcA==\r\n", 250, 235)
	envelope := "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
	say(envelope+"DATA\r\n", 250, 250, 354)
	say("one\r\n.\r\n"+envelope+"DATA\r\n", 250, 250, 250, 354)
	say(".\r\n"+envelope+"BDAT 7\r\n\r\n.\r\ntwBDAT 1\r\noNOOP\r\nBDAT 0 LAST\r\n"+envelope+"BDAT 5 LAST\r\nthreeQUIT\r\n",
		250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 221)
	if requests, silent := tp.counts(0); requests != 20 || silent != 0 || tp.opaque > 0 {
		t.Errorf("%d requests, %d without an answer, %d not understood", requests, silent, tp.opaque)
	}
	if got := box.got(); !slices.Equal(got, []string{"one\r\n", "", "\r\n.\r\ntwo", "three"}) {
		t.Errorf("mails %q", got)
	}
}

func TestARefusedCommandOfNetSMTPIsItsOwnError(t *testing.T) {
	box, addr := serveMail(t)
	tp := listen(t, wire.SMTP, addr)
	client := dialMail(t, tp)
	if err := client.Auth(stdsmtp.PlainAuth("", "u", "p", "127.0.0.1")); err != nil {
		t.Fatal(err)
	}
	for step := range 3 { // MAIL, RCPT, DATA
		for _, want := range []int{451, 452, 554} {
			tp.refuses(1, step, wire.Why{Code: strconv.Itoa(want)})
			err := client.Mail("a@b")
			if err == nil {
				err = client.Rcpt("c@d")
			}
			if err == nil {
				err = send(client, "x")
			}
			if err := code(err, want); err != nil {
				t.Errorf("step %d: %v, want %d", step, err, want)
			}
			if err := errors.Join(client.Reset(), client.Mail("a@b"), client.Rcpt("c@d"), send(client, "after"), client.Noop()); err != nil {
				t.Errorf("step %d: then %v", step, err)
			}
			if got := box.got(); !slices.Equal(got, []string{"after\r\n"}) {
				t.Errorf("step %d: mails %q", step, got)
			}
			tp.counts(0)
		}
	}
	tp.refuses(1, 0, wire.Why{Code: "421"})
	if err := code(client.Noop(), 421); err != nil {
		t.Error(err)
	}
	if err := client.Noop(); err == nil {
		t.Error("the connection lives after 421")
	}
}
