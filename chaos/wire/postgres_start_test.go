package wire_test

import (
	"fmt"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func TestAPostgresLoginIsNoRequest(t *testing.T) {
	newer := pgFirst(version32, "user\x00a\x00_pq_.b\x00c\x00\x00")
	older := pg('v', "\x00\x03\x00\x00\x00\x00\x00\x01_pq_.b\x00")
	tls, gss := pgFirst(askTLS, ""), pgFirst(askGSS, "")
	sasl := pg('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
	understood(t, wire.Postgres, []turn{
		client(gss), server("N"), client(tls), server("N"), client(newer), server(older + sasl),
		client(password), server(sasl), client(password), server(welcome), client(simple("")), server(pgFail + readyI),
	},
		"client 8", "server 1", "client 8", "server 1", fmt.Sprintf("client %d", len(newer)), fmt.Sprintf("server %d", len(older+sasl)),
		"client 12 secret=12", fmt.Sprintf("server %d", len(sasl)), "client 12 secret=12", fmt.Sprintf("server %d secret=13", len(welcome)),
		"request 6", answer(pgFail+readyI))
}

func TestAnOldPostgresDoesNotKnowTLS(t *testing.T) {
	understood(t, wire.Postgres, []turn{client(pgFirst(askTLS, "")), server(pgFail)}, "client 8", fmt.Sprintf("server %d", len(pgFail)))
}

func TestAPostgresClientThatCancelsSaysNoMore(t *testing.T) {
	cancel := pgFirst(askCancel, "12345678")
	understood(t, wire.Postgres, []turn{client(cancel)}, "client 16 secret=16")
	understood(t, wire.Postgres, []turn{client(cancel + simple("DO 1"))}, "client 16 secret=16", "client opaque")
	understood(t, wire.Postgres, []turn{client(cancel + pg('d', "1"))}, "client 16 secret=16", "client opaque")
}

func TestWhatIsNotUnderstoodOfPostgresIsOpaque(t *testing.T) {
	in := pg('G', "\x00\x00\x01\x00\x00")
	for name, story := range map[string]struct {
		talk []turn
		from string
	}{
		"TLS":                           {[]turn{client(pgFirst(askTLS, "")), server("S")}, "server"},
		"GSSAPI":                        {[]turn{client(pgFirst(askGSS, "")), server("G")}, "server"},
		"TLS without asking":            {[]turn{client("\x16\x03")}, "client"},
		"TLS without hearing":           {[]turn{client(pgFirst(askTLS, "") + startup)}, "client"},
		"asking for TLS at length":      {[]turn{client(pgFirst(askTLS, "please"))}, "client"},
		"a startup that is too long":    {[]turn{client("\x00\x00\x27\x11\x00\x03\x00\x00user\x00")}, "client"},
		"version 2":                     {[]turn{client(pgFirst(2<<16, ""))}, "client"},
		"version 4":                     {[]turn{client(pgFirst(4<<16, ""))}, "client"},
		"another client":                {[]turn{client("GET / HTTP/1.1\r\n\r\n")}, "client"},
		"a server that begins":          {[]turn{server("220 mail\r\n")}, "server"},
		"a query before the login":      {[]turn{client(startup + simple("DO 1"))}, "client"},
		"a password after it":           {pgLoggedIn(client(password)), "client"},
		"an unknown letter":             {pgLoggedIn(client(pg('?', ""))), "client"},
		"a message that is too short":   {pgLoggedIn(client("Q\x00\x00\x00\x03")), "client"},
		"a message that is too long":    {pgLoggedIn(client("Q\x40\x00\x00\x00")), "client"},
		"a query in a batch":            {pgLoggedIn(client(parse + simple("DO 1"))), "client"},
		"an unknown letter of a server": {pgLoggedIn(client(simple("")), server(pg('?', "."))), "server"},
		"the same in an answer":         {pgLoggedIn(client(simple("")), server(columns+pg('?', "."))), "server"},
		"more than is asked":            {pgLoggedIn(server(readyI)), "server"},
		"an odd end":                    {pgLoggedIn(client(simple("")), server(pg('Z', "II"))), "server"},
		"two batches and then COPY":     {pgLoggedIn(client(batch+batch), server(in+pgFail)), "server"},
	} {
		t.Run(name, func(t *testing.T) {
			got := follows(t, wire.Postgres, story.talk...)
			if want := story.from + " opaque"; got[len(got)-1] != want {
				t.Errorf("understood\n%s\nwant %s", lines(got), want)
			}
		})
	}
}

// A password may be in what comes, unless it is encrypted.
func TestWhatIsNotUnderstoodOfAPostgresLoginIsSecret(t *testing.T) {
	for name, story := range map[string]struct {
		before []turn
		said   turn
		secret bool
	}{
		"an odd server":      {[]turn{client(startup)}, server("?\x00\x00\x00\x04."), true},
		"a command too soon": {[]turn{client(startup)}, client(simple("DO 1")), true},
		"TLS":                {[]turn{client(pgFirst(askTLS, ""))}, server("S"), false},
		"after the login":    {pgLoggedIn(), client("?\x00\x00\x00\x04"), false},
	} {
		t.Run(name, func(t *testing.T) { opaqueAnd(t, wire.Postgres, story.before, story.said, story.secret) })
	}
}

// opaqueAnd fails the test unless what is said then is Opaque, and Secret or not.
func opaqueAnd(t *testing.T, p wire.Protocol, before []turn, said turn, secret bool) {
	t.Helper()
	talk := begun(t, p, before)
	look := talk.Server
	if said.client {
		look = talk.Client
	}
	if part := look([]byte(said.said)); !part.Opaque || part.Secret != secret {
		t.Errorf("%+v, want Opaque and Secret %t", part, secret)
	}
}
