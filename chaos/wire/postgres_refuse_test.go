package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func ExampleProtocol_postgres() {
	talk := wire.Postgres.Follow()
	for _, said := range []string{startup, password} {
		talk.Client([]byte(said))
	}
	for said := []byte(welcome); len(said) > 0; {
		said = said[talk.Server(said).N:]
	}

	fmt.Printf("%+v\n", talk.Client([]byte(simple("SELECT 1"))))
	fmt.Printf("%q\n", talk.Refuse(wire.Why{Code: "40001", Message: "later"}).Bytes)
	// Output:
	// {N:14 Begin:true End:true ID:0 Silent:false Joined:false Secret:false More:false Opaque:false}
	// "E\x00\x00\x00!SERROR\x00VERROR\x00C40001\x00Mlater\x00\x00Z\x00\x00\x00\x05I"
}

// pgNo is an error as Refuse makes it.
func pgNo(severity, code, message string) string {
	return pg('E', "S"+severity+"\x00V"+severity+"\x00C"+code+"\x00M"+message+"\x00\x00")
}

var pgWhy = wire.Why{Code: "57014", Message: "no"}

func TestPostgresKnowsItsErrors(t *testing.T) {
	for code, want := range map[string]string{
		"":      pgNo("ERROR", "53200", "out of memory"),
		"40P01": pgNo("ERROR", "40P01", "deadlock detected"),
		"XX000": pgNo("ERROR", "XX000", "the server is in trouble"),
	} {
		talk := begun(t, wire.Postgres, pgLoggedIn(client(simple("DO 1"))))
		answer := talk.Refuse(wire.Why{Code: code})
		if string(answer.Bytes) != want+readyI || answer.Close {
			t.Errorf("code %q: %q", code, answer.Bytes)
		}
		if err := wire.Postgres.Check(wire.Why{Code: code}); err != nil {
			t.Error(err)
		}
	}
	for _, code := range []string{"00000", "01000", "02000", "4000", "400011", "40p01", "deadlock", "4 001", "4000é"} {
		if err := wire.Postgres.Check(wire.Why{Code: code}); err == nil || !strings.HasPrefix(err.Error(), "wire: postgres' Code \""+code) {
			t.Errorf("code %q: %v", code, err)
		}
	}
}

func TestAPostgresMessageIsOneLine(t *testing.T) {
	want := pgNo("ERROR", "53200", "a b c d") + readyI
	pgAsked(t, []turn{refused(simple(""), wire.Why{Message: "a\nb\r\nc\x00d"})}, fmt.Sprintf("request 6 refused %q", want))
}

func TestARefusedPostgresQueryIsNeverAnswered(t *testing.T) {
	no := pgNo("ERROR", "57014", "no") + readyI
	reply := pgFail + readyI
	pgAsked(t, []turn{refused(simple("COPY a FROM STDIN"), pgWhy), client(simple("")), server(reply), refused(endBatch, pgWhy), client(batch), server(answered + readyI)},
		fmt.Sprintf("request 23 refused %q", no), "request 6", answer(reply),
		fmt.Sprintf("request 5 refused %q", no), request(batch), answer(answered+readyI))
}

// A client may wait for the error before it says Sync.
func TestARefusedPostgresBatchFailsAtItsFirstMessage(t *testing.T) {
	first := fmt.Sprintf("request %d refused %q", len(parse), pgNo("ERROR", "57014", "no"))
	rest := func(said string) string {
		return fmt.Sprintf("request %d joined refused %q", len(said), readyI)
	}
	next, nextWant := []turn{client(batch), server(answered + readyI)}, []string{request(batch), answer(answered + readyI)}
	for name, story := range map[string]struct {
		talk []turn
		rest string
	}{
		"whole":                {[]turn{refused(batch, pgWhy)}, batch[len(parse):]},
		"of one message":       {[]turn{refused(parse+endBatch, pgWhy)}, endBatch},
		"with a wait":          {[]turn{refused(parse, pgWhy), client(describe + flush), client(bind + execute + endBatch)}, describe + flush + bind + execute + endBatch},
		"with a wait and Sync": {[]turn{refused(parse+flush, pgWhy), client(endBatch)}, flush + endBatch},
		"with data of a COPY":  {[]turn{refused(parse, pgWhy), client(pg('d', "1\n") + pg('c', "") + endBatch)}, pg('d', "1\n") + pg('c', "") + endBatch},
	} {
		t.Run(name, func(t *testing.T) {
			want := append([]string{first, rest(story.rest)}, nextWant...)
			pgAsked(t, append(story.talk, next...), want...)
		})
	}
	t.Run("and the client leaves", func(t *testing.T) {
		pgAsked(t, []turn{refused(parse+pg('X', ""), pgWhy)}, first, "request 5 silent")
	})
	t.Run("and the client asks something else", func(t *testing.T) {
		pgAsked(t, []turn{refused(parse+simple(""), pgWhy)}, first, "client opaque")
	})
}

// The real server would not know that its transaction has failed.
func TestAPostgresTransactionDoesNotOutliveARefusal(t *testing.T) {
	fatal := pgNo("FATAL", "57014", "no")
	begin, reply := simple("BEGIN"), pg('C', "BEGIN\x00")+readyT
	for _, said := range []string{simple("COMMIT"), batch, endBatch} {
		pgAsked(t, []turn{client(begin), server(reply), refused(said, pgWhy)},
			request(begin), answer(reply), fmt.Sprintf("request… refused %q close", fatal))
		pgAsked(t, []turn{client(begin), refused(said, pgWhy)}, // the transaction may have begun
			request(begin), fmt.Sprintf("request… refused %q close", fatal))
	}
	failed, no := pgFail+readyE, pgNo("ERROR", "57014", "no")+readyE
	pgAsked(t, []turn{client(begin), server(reply), client(simple("")), server(failed), refused(simple("ROLLBACK"), pgWhy), client(simple("ROLLBACK")), server(reply)},
		request(begin), answer(reply), "request 6", answer(failed), fmt.Sprintf("request 14 refused %q", no), "request 14", answer(reply))
}

// A real server that cannot parse a statement without a name has none then; this one has not heard of it.
func TestWhatExecutesTheStatementWithoutANameSharesTheFateOfItsParse(t *testing.T) {
	no := pgNo("ERROR", "57014", "no")
	reply := answered + readyI
	prepare, run := parse+endBatch, bind+execute+endBatch
	refusedPrepare := []string{fmt.Sprintf("request %d refused %q", len(parse), no), fmt.Sprintf("request 5 joined refused %q", readyI)}
	refusedRun := []string{fmt.Sprintf("request %d joined refused %q", len(bind), no), fmt.Sprintf("request %d joined refused %q", len(execute)+5, readyI)}
	portal := pg('B', "portal\x00\x00\x00\x00\x00\x00\x00\x00") + endBatch
	named := pg('B', "\x00named\x00\x00\x00\x00\x00\x00\x00") + endBatch
	later := pg('B', "\x00named\x00\x00\x00\x00\x00\x00\x00")
	for name, story := range map[string]struct {
		talk []turn
		want []string
	}{
		"bound":           {[]turn{refused(prepare+run, pgWhy)}, append(refusedPrepare, refusedRun...)},
		"again and again": {[]turn{refused(prepare+run+run, pgWhy)}, append(append(refusedPrepare, refusedRun...), refusedRun...)},
		"bound to a portal": {
			[]turn{refused(prepare+portal, pgWhy)},
			append(refusedPrepare, fmt.Sprintf("request %d joined refused %q", len(portal)-5, no), fmt.Sprintf("request 5 joined refused %q", readyI)),
		},
		"described": {
			[]turn{refused(prepare+describe+endBatch, pgWhy)},
			append(refusedPrepare, fmt.Sprintf("request %d joined refused %q", len(describe), no), fmt.Sprintf("request 5 joined refused %q", readyI)),
		},
		"not with a name": {[]turn{refused(prepare, pgWhy), client(named), server(bound + readyI)}, append(refusedPrepare, request(named), answer(bound+readyI))},
		"not once it is parsed": {
			[]turn{refused(prepare, pgWhy), client(prepare + run), server(parsed + readyI + reply)},
			append(refusedPrepare, request(prepare), request(run), answer(parsed+readyI), answer(reply)),
		},
		"not once a query has ended it": {
			[]turn{refused(prepare, pgWhy), client(simple("") + run), server(pgFail + readyI + pgFail + readyI)},
			append(refusedPrepare, "request 6", request(run), answer(pgFail+readyI), answer(pgFail+readyI)),
		},
		"not where nothing was parsed": {
			[]turn{refused(run, pgWhy), client(run), server(reply)},
			[]string{fmt.Sprintf("request %d refused %q", len(bind), no), fmt.Sprintf("request %d joined refused %q", len(execute)+5, readyI), request(run), answer(reply)},
		},
		"after a query that ends it": {
			[]turn{refused(simple("")+run, pgWhy)},
			append([]string{fmt.Sprintf("request 6 refused %q", no+readyI)}, refusedRun...),
		},
		"after a batch that parses late": {
			[]turn{refused(later+parse+endBatch+run, pgWhy)},
			append([]string{fmt.Sprintf("request %d refused %q", len(later), no), fmt.Sprintf("request %d joined refused %q", len(parse)+5, readyI)}, refusedRun...),
		},
	} {
		t.Run(name, func(t *testing.T) {
			talk := append([]turn{client(prepare), server(parsed + readyI)}, story.talk...)
			// What comes after is refused only by sharing a fate.
			pgAsked(t, talk, append([]string{request(prepare), answer(parsed + readyI)}, story.want...)...)
		})
	}
}
