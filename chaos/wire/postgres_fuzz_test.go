package wire_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func FuzzPostgres(f *testing.F) {
	in := pg('G', "\x00\x00\x01\x00\x00")
	fuzz(f, wire.Postgres,
		pgLoggedIn(client(simple("SELECT 1")+batch+pg('X', "")), server(columns+pgRow+pgDone+readyI+answered+readyI)),
		pgLoggedIn(client(parse+describe+flush+bind+execute+endBatch), server(pg('N', "\x00")+answered+readyT)),
		pgLoggedIn(client(simple("COPY")+pg('d', "1")+pg('c', "")), server(in+pgDone+readyI)),
		pgLoggedIn(client(batch), server(in), client(pg('d', "1")+pg('f', "\x00")+endBatch), server(pgFail+readyE)),
		pgLoggedIn(client(parse+endBatch+bind+execute+endBatch+describe+endBatch+simple("ALTER USER a PASSWORD ''")), server(parsed+readyI+answered+readyI+noData+readyI)),
		[]turn{client(pgFirst(askTLS, "") + startup + password), server("N" + welcome)},
		[]turn{client(pgFirst(askCancel, "12345678"))},
	)
}

// The rows of an answer are many small messages, each of which is looked at.
func BenchmarkPostgresRows(b *testing.B) {
	one := pg('D', "\x00\x01\x00\x00\x00\x59"+strings.Repeat("a", 89))
	rows := []byte(strings.Repeat(one, (64<<10)/len(one)))
	talk := begun(b, wire.Postgres, pgLoggedIn(client(simple("SELECT")), server(columns)))
	b.SetBytes(int64(len(rows)))
	b.ReportAllocs()
	for b.Loop() {
		if part := talk.Server(rows); part.N != len(rows) || part.End {
			b.Fatalf("%+v", part)
		}
	}
}

func BenchmarkPostgresQuery(b *testing.B) {
	benchmarkPostgres(b, simple("SELECT * FROM books WHERE id = 12345"), columns+pgRow+pgDone+readyI)
}

func BenchmarkPostgresBatch(b *testing.B) { benchmarkPostgres(b, batch, answered+readyI) }

func benchmarkPostgres(b *testing.B, said, answered string) {
	ask, reply := []byte(said), []byte(answered)
	talk := begun(b, wire.Postgres, pgLoggedIn())
	b.ReportAllocs()
	for b.Loop() {
		for left := ask; len(left) > 0; {
			left = left[talk.Client(left).N:]
		}
		if part := talk.Server(reply); !part.End {
			b.Fatalf("%+v", part)
		}
	}
}
