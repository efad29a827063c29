package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func TestMemcacheMessagesEndWhereTheyEnd(t *testing.T) {
	values := "VALUE a 0 5\r\nEND\r\n\r\nVALUE b 0 0 99\r\n\r\nEND\r\n" // 43 bytes
	for _, story := range []struct {
		name string
		talk []turn
		want []string
	}{
		{"values", []turn{client("get a b\r\n"), server(values)}, []string{"request 9", "answer 43"}},
		{"an error between values", []turn{client("get a b\r\nget c\r\n"), server("VALUE a 0 1\r\nx\r\nSERVER_ERROR out of memory\r\nEND\r\n")},
			[]string{"request 9", "request 7", "answer 44", "answer 5"}},
		{"a dump", []turn{client("lru_crawler metadump all\r\n"), server("key=a exp=-1\r\nkey=b exp=-1\r\nEND\r\n")}, []string{"request 26", "answer 33"}},
		{"a dump for mg", []turn{client("lru_crawler mgdump all\r\n"), server("mg a\r\nmg b\r\nEN\r\n")}, []string{"request 24", "answer 16"}},
		{"too large a value is refused before it has come", []turn{client("set a 0 0 3\r\nx"), server("SERVER_ERROR object too large for cache\r\n"), client("yz\r\nget a\r\n")},
			[]string{"request 14… secret=1", "answer 41", "…request 4 secret=4", "request 7"}},
		{"quiet commands are one request with what ends them", []turn{client("mg a v q\r\n"), client("mg b v q\r\nmn\r\nmn\r\n"), server("VA 1\r\nx\r\nMN\r\nMN\r\n")},
			[]string{"request 24", "request 4", "answer 13", "answer 4"}},
		{"quiet commands, answered at once", []turn{client("mg a v q\r\n"), server("VA 1\r\nx\r\nCLIENT_ERROR bad\r\n"), client("mn\r\n"), server("MN\r\n")},
			[]string{"request 10…", "answer 27…", "…request 4", "…answer 4"}},
		{"an answer that only the client can tell", []turn{client("mg a q v\r\nmg b v\r\n"), server("VA 1\r\nx\r\n")}, []string{"request 18", "server opaque"}},
		{"an error that only the client can tell", []turn{client("mg a q v\r\nmg b v\r\n"), server("SERVER_ERROR x\r\n")}, []string{"request 18", "server opaque"}},
		{"an error in spite of noreply", []turn{client("set a 0 0 1 noreply\r\nx\r\n"), server("SERVER_ERROR object too large for cache\r\n")},
			[]string{"request 24 silent secret=3", "server 41"}},
		{"the same before an answer", []turn{client("touch a 0 noreply\r\nset a 0 0 1 noreply\r\nx\r\nget a\r\n"), server("SERVER_ERROR out of memory storing object\r\nEND\r\n")},
			[]string{"request 19 silent", "request 24 silent secret=3", "request 7", "server 43", "answer 5"}},
		{"an error behind noreply", []turn{client("set a 0 0 1 noreply\r\nx\r\nincr a 1\r\n"), server("CLIENT_ERROR cannot increment\r\n")},
			[]string{"request 24 silent secret=3", "request 10", "answer 31"}},
		{"an error that a noreply would not give", []turn{client("set a 0 0 1 noreply\r\nx\r\nget a\r\n"), server("SERVER_ERROR busy\r\n")},
			[]string{"request 24 silent secret=3", "request 7", "answer 19"}},
		{"an error of a touch, which stores nothing", []turn{client("touch a 0 noreply\r\nget a\r\n"), server("SERVER_ERROR out of memory\r\n")},
			[]string{"request 19 silent", "request 7", "answer 28"}},
		{"too large a value behind noreply", []turn{client("set a 0 0 1 noreply\r\nx\r\nset a 0 0 1\r\nx\r\n"), server("SERVER_ERROR object too large for cache\r\n")},
			[]string{"request 24 silent secret=3", "request 16 secret=3", "answer 41"}},
		{"quit among quiet commands", []turn{client("mg a q\r\nquit\r\n")}, []string{"request 8…", "client opaque"}},
		{"statistics for mn", []turn{client("mn\r\n"), server("STAT a b\r\n")}, []string{"request 4", "server opaque"}},
		{"noreply all the time", []turn{client(strings.Repeat("touch a 0 noreply\r\n", 3) + "get a\r\n"), server("END\r\n"), client("touch a 0 noreply\r\nget a\r\n"), server("END\r\n")},
			[]string{"request 19 silent", "request 19 silent", "request 19 silent", "request 7", "answer 5", "request 19 silent", "request 7", "answer 5"}},
		{"quit", []turn{client("quit\r\n")}, []string{"request 6 silent"}},
		{"a login", []turn{client("set a 0 0 9\r\nbob hush!\r\n"), server("STORED\r\n"), client("set a 0 0 1\r\nx\r\n"), server("STORED\r\n")},
			[]string{"request 24 secret=11", "answer 8", "request 16", "answer 8"}},
		{"a login at the second attempt", []turn{client("version\r\n"), server("CLIENT_ERROR unauthenticated\r\n"), client("set a 0 0 9\r\nbob huch!\r\n"),
			server("CLIENT_ERROR authentication failure\r\n"), client("set a 0 0 9\r\nbob hush!\r\n"), server("STORED\r\n")},
			[]string{"request 9", "answer 30", "request 24 secret=11", "answer 37", "request 24 secret=11", "answer 8"}},
		{"a login that waits for no answer", []turn{client("version\r\nset a 0 0 9\r\nbob hush!\r\n"), server("VERSION 1\r\nSTORED\r\n")},
			[]string{"request 9", "request 24 secret=11", "answer 11", "answer 8"}},
		{"half a line", []turn{client("delete a")}, []string{"client keeps 8"}},
	} {
		t.Run(story.name, func(t *testing.T) { understood(t, wire.Memcache, story.talk, story.want...) })
	}
}

func TestWhatMemcachedWouldNotTakeAsItIsMeantIsOpaque(t *testing.T) {
	for name, said := range map[string]string{
		"the binary protocol":  "\x80\x00",
		"TLS":                  "\x16\x03\x01",
		"HTTP":                 "GET / HTTP/1.1\r\n",
		"a watcher":            "watch fetchers\r\n",
		"shutdown":             "shutdown\r\n",
		"no length":            "set a 0 0\r\n",
		"a negative length":    "set a 0 0 -1\r\n",
		"a huge length":        "set a 0 0 2147483647\r\n",
		"flags without digits": "set a x 0 1\r\n",
		"an expiry of letters": "set a 0 - 1\r\n",
		"a long key":           "set " + strings.Repeat("k", 251) + " 0 0 1\r\n",
		"a long key in ms":     "ms " + strings.Repeat("k", 251) + " 1\r\n",
		"an expiry too late":   "set a 0 2147483648 1\r\n",
		"half in capitals":     "gET a\r\n",
		"more words":           "set a 0 0 1 2 noreply\r\n",
		"no version to swap":   "cas a 0 0 1 x\r\n",
		"no length in ms":      "ms a T0\r\n",
		"an endless line":      strings.Repeat("a", wire.MaxHead),
	} {
		t.Run(name, func(t *testing.T) { understood(t, wire.Memcache, []turn{client(said)}, "client opaque") })
	}
	t.Run("more than it has announced", func(t *testing.T) {
		understood(t, wire.Memcache, []turn{client("get a\r\nset a 0 0 1\r\nxyz\r\n")}, "request 7", "request 14… secret=1", "client opaque")
	})
	for name, said := range map[string]string{
		"an answer to nothing": "END\r\nEND\r\n",
		"an unknown value":     "END\r\nVALUE a 0\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			understood(t, wire.Memcache, []turn{client("get a\r\n"), server(said)}, "request 7", "answer 5", "server opaque")
		})
	}
	for name, said := range map[string]string{"meta": "HD\r\n", "a value without end": "VALUE a 0 1\r\nxyz\r\n", "no length": "VALUE a\r\n"} {
		t.Run("get is answered by "+name, func(t *testing.T) {
			got := follows(t, wire.Memcache, client("get a\r\n"), server(said))
			if got[len(got)-1] != "server opaque" {
				t.Errorf("understood\n%s", lines(got))
			}
		})
	}
}

// The server sees nothing of what is refused, so the answers that it gives are to the other requests.
func TestMemcacheGoesOnBehindARefusal(t *testing.T) {
	no := `refused "SERVER_ERROR out of memory\r\n"`
	understood(t, wire.Memcache, []turn{
		client("get a\r\n"), refused("set a 0 0 5\r\nhe", wire.Why{}), client("llo\r\nget b\r\n"), server("VALUE a 0 1\r\nx\r\nEND\r\nEND\r\n"),
	}, "request 7", "request 20 secret=7 "+no, "request 7", "answer 21", "answer 5")
	understood(t, wire.Memcache, []turn{
		refused("mg a q v\r\n", wire.Why{}), client("ms b 1 q\r\nx\r\nget c\r\nget d\r\n"), server("END\r\n"),
	}, "request 10 "+no, "request 20 secret=3", "request 7", "answer 5")
	understood(t, wire.Memcache, []turn{
		client("mn\r\n"), server("MN\r\n"), refused("ms b 1 q\r\nx", wire.Why{}), client("\r\nms b 1\r\nx\r\n"), server("HD\r\n"),
	}, "request 4", "answer 4", "request 13 "+no, "request 11", "answer 4")
	understood(t, wire.Memcache, []turn{refused("touch a 0 noreply\r\nget a\r\nquit\r\n", wire.Why{Code: "CLIENT_ERROR", Message: "a\nb"})},
		"request 19 silent", `request 7 refused "CLIENT_ERROR a b\r\n"`, "request 6 silent")
	understood(t, wire.Memcache, []turn{refused("get a\r\n", wire.Why{Code: "ERROR"}), server("END\r\n")}, `request 7 refused "ERROR\r\n"`, "server opaque")
}

// A client reads on until MN, whatever has become of the quiet commands before it.
func TestMemcacheARefusedGroupStillEndsWithMN(t *testing.T) {
	no := `refused "SERVER_ERROR out of memory\r\n"`
	understood(t, wire.Memcache, []turn{refused("mg a v q\r\n", wire.Why{}), client("mg b v q\r\nmn\r\nget c\r\n"), server("VA 1\r\nx\r\nMN\r\nEND\r\n")},
		"request 10 "+no, "request 14", "request 7", "answer 13", "answer 5")
	understood(t, wire.Memcache, []turn{refused("mg a v q\r\n", wire.Why{}), client("mn\r\n"), server("MN\r\n")}, "request 10 "+no, "request 4", "answer 4")
	understood(t, wire.Memcache, []turn{refused("mg a v q\r\nmg b v q\r\ntouch c 0 noreply\r\nmn\r\nmn\r\nmg a\r\nmn\r\n", wire.Why{})},
		"request 10 "+no, "request 10 "+no, "request 19 silent", `request 4 refused "MN\r\n"`, "request 4 "+no, "request 6 "+no, "request 4 "+no)
	understood(t, wire.Memcache, []turn{refused("mg a v q\r\nmg b v\r\nmn\r\n", wire.Why{})}, "request 10 "+no, "request 8 "+no, "request 4 "+no)
	understood(t, wire.Memcache, []turn{refused("mg a v q\r\n", wire.Why{}), client("quit\r\n")}, "request 10 "+no, "request 6 silent")
}

func TestMemcacheSaysWhetherALoginMayFollow(t *testing.T) {
	for said, secret := range map[string]bool{"\x80\x00": true, "watch\r\n": true, "get a\r\n": false} {
		talk := wire.Memcache.Follow()
		if secret != talk.Client([]byte(said)).Secret {
			t.Errorf("%q: opaque, and not secret", said)
		}
	}
	talk := wire.Memcache.Follow()
	followAll(t, talk.Client, []byte("get a\r\n"))
	followAll(t, talk.Server, []byte("END\r\n"))
	if part := talk.Client([]byte("watch\r\n")); !part.Opaque || part.Secret {
		t.Errorf("behind an answer: %+v", part)
	}
}

func TestMemcacheAcceptsItsThreeErrors(t *testing.T) {
	for _, why := range []wire.Why{{}, {Message: "x"}, {Code: "SERVER_ERROR"}, {Code: "CLIENT_ERROR", Message: "x"}, {Code: "ERROR"}} {
		if err := wire.Memcache.Check(why); err != nil {
			t.Errorf("%+v: %v", why, err)
		}
	}
	for want, why := range map[string]wire.Why{
		`wire: memcache: Code is "503", accepted are SERVER_ERROR, CLIENT_ERROR, ERROR, or nothing`: {Code: "503"},
		`wire: memcache: Message is "x", but ERROR has none: it must be empty`:                      {Code: "ERROR", Message: "x"},
	} {
		if err := wire.Memcache.Check(why); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", why, err, want)
		}
	}
}

func FuzzMemcache(f *testing.F) {
	fuzz(f, wire.Memcache,
		[]turn{client("get a b\r\nset a 0 0 1\r\nx\r\nstats\r\nincr n 1\r\n"), server("VALUE a 0 1\r\nx\r\nEND\r\nSTORED\r\nSTAT a b\r\nEND\r\n5\r\n")},
		[]turn{client("set a 0 0 1 noreply\r\nx\r\nmg a v q\r\nms a 1 q\r\nx\r\nmn\r\nquit\r\n"), server("SERVER_ERROR object too large\r\nVA 1\r\nx\r\nNS\r\nMN\r\n")},
		[]turn{client("mg a q\r\nma n v\r\nmd a\r\nme a\r\ncas a 0 -1 1 5 noreply\r\nx\r\n"), server("HD\r\nVA 1\r\n5\r\nNF\r\nME a b=c\r\nERROR\r\n")},
	)
}

func BenchmarkMemcache(b *testing.B) {
	talk := wire.Memcache.Follow()
	b.Run("small get", func(b *testing.B) {
		request, answer := []byte("get key:1234567\r\n"), []byte("VALUE key:1234567 0 5\r\nhello\r\nEND\r\n")
		b.ReportAllocs()
		for b.Loop() {
			talk.Client(request)
			if part := talk.Server(answer); !part.End {
				b.Fatalf("%+v", part)
			}
		}
	})
	b.Run("small set", func(b *testing.B) {
		request, answer := []byte("set key:1234567 0 0 5\r\nhello\r\n"), []byte("STORED\r\n")
		b.ReportAllocs()
		for b.Loop() {
			part := talk.Client(request)
			talk.Client(request[part.N:])
			if part := talk.Server(answer); !part.End {
				b.Fatalf("%+v", part)
			}
		}
	})
	b.Run("value of 64 KiB", func(b *testing.B) {
		talk.Client([]byte("get a\r\n"))
		talk.Server([]byte("VALUE a 0 999999999999999999\r\n"))
		data := bytes.Repeat([]byte("x"), 64<<10)
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if part := talk.Server(data); part.N != len(data) {
				b.Fatalf("%+v", part)
			}
		}
	})
}
