package wire_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// Each command is said to a real memcached, with mn behind it, whose answer says that there is no more.
func TestGoesWithWhatMemcachedSays(t *testing.T) {
	conn, err := net.Dial("tcp", servers.Memcached(t).Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))

	large, huge := strings.Repeat("x", 200_000), strings.Repeat("x", 1_100_000)
	plain := []string{"request", "request", "answer", "answer"}
	silent := []string{"request silent", "request", "answer"}
	quiet := []string{"request", "answer"} // one request with mn
	for _, story := range []struct {
		said   string
		want   []string
		answer string // begins so, where that matters
	}{
		{"set a 1 0 5\r\nhello\r\n", plain, "STORED"},
		{"set b 0 0 200000\r\n" + large + "\r\n", plain, "STORED"},
		{"set n 0 0 1\r\n5\r\n", plain, "STORED"},
		{"set a 0 0 7 noreply\r\nEND\r\nEN\r\n", silent, "MN"},
		{"add a 0 0 1\r\nx\r\n", plain, "NOT_STORED"},
		{"replace a 0 0 7\r\nEND\r\nEN\r\n", plain, "STORED"},
		{"append a 0 0 0\r\n\r\n", plain, "STORED"},
		{"prepend zz 0 0 0 noreply\r\n\r\n", silent, "MN"},
		{"cas a 0 0 1 18446744073709551615\r\nx\r\n", plain, "EXISTS"},
		{"cas zz 0 0 1 1 noreply\r\nx\r\n", silent, "MN"},
		{"set big 0 0 1100000\r\n" + huge + "\r\n", plain, "SERVER_ERROR object too large"},
		{"set big 0 0 1100000 noreply\r\n" + huge + "\r\n", silent, "MN"},
		{"get a\r\n", plain, "VALUE"},
		{"get a b zz a\r\n", plain, "VALUE"},
		{"get a\n", plain, "VALUE"},
		{"gets a b\r\n", plain, "VALUE"},
		{"gat 0 a b\r\n", plain, "VALUE"},
		{"gats 0 zz\r\n", plain, "END"},
		{"get zz\r\n", plain, "END"},
		{"get\r\n", plain, "ERROR"},
		{"get " + strings.Repeat("k", 251) + "\r\n", plain, "CLIENT_ERROR"},
		{"get" + strings.Repeat(" a", 40_000) + "\r\n", plain, "VALUE"},
		{"incr n 10\r\n", plain, "15"},
		{"decr n 6\r\n", plain, "9"},
		{"incr a 1\r\n", plain, "CLIENT_ERROR"},
		{"incr n 1 noreply\r\n", silent, "MN"},
		{"touch a 0\r\n", plain, "TOUCHED"},
		{"touch zz 0 noreply\r\n", silent, "MN"},
		{"delete zz\r\n", plain, "NOT_FOUND"},
		{"delete zz 0\r\n", plain, "NOT_FOUND"},
		{"delete noreply\r\n", plain, "NOT_FOUND"},
		{"delete zz noreply\r\n", silent, "MN"},
		{"stats\r\n", plain, "STAT"},
		{"stats settings\r\n", plain, "STAT"},
		{"stats items\r\n", plain, "STAT"},
		{"stats slabs\r\n", plain, "STAT"},
		{"stats sizes\r\n", plain, "STAT"},
		{"stats conns\r\n", plain, "STAT"},
		{"stats cachedump 1 10\r\n", plain, ""}, // ITEM, once the server has got round to it
		{"stats detail on\r\n", plain, "OK"},
		{"get pre:a\r\n", plain, "END"},
		{"stats detail dump\r\n", plain, "PREFIX"},
		{"stats reset\r\n", plain, "RESET"},
		{"version\r\n", plain, "VERSION"},
		{"verbosity 0\r\n", plain, "OK"},
		{"verbosity 0 noreply\r\n", silent, "MN"},
		{"cache_memlimit 64\r\n", plain, "OK"},
		{"slabs automove 0\r\n", plain, "OK"},
		{"nonsense\r\n", plain, "ERROR"},
		{"\r\n", plain, "ERROR"},
		{"mg a v s k\r\n", plain, "VA"},
		{"mg a s\r\n", plain, "HD"},
		{"mg zz v\r\n", plain, "EN"},
		{"mg a !\r\n", plain, "CLIENT_ERROR"},
		{"me a\r\n", plain, "ME"},
		{"me zz\r\n", plain, "EN"},
		{"ms a 7 T0\r\nEND\r\nHD\r\n", plain, "HD"},
		{"ms a 1 ME\r\nx\r\n", plain, "NS"},
		{"ms zz 1 C1\r\nx\r\n", plain, "NF"},
		{"ms a 1 C1\r\nx\r\n", plain, "EX"},
		{"ma n v\r\n", plain, "VA"},
		{"ma n\r\n", plain, "HD"},
		{"ma zz\r\n", plain, "NF"},
		{"md zz\r\n", plain, "NF"},
		{"mg a v q\r\n", quiet, "VA"},
		{"mg zz v q\r\n", quiet, "MN"},
		{"mg zz v q\r\nmg a q v k\r\nmg a q s\r\nmg a q !\r\n", quiet, "VA"},
		{"ms c 1 q\r\nx\r\nms a 1 q C1\r\nx\r\nset d 0 0 1 noreply\r\nx\r\n", quiet, "EX"},
		{"ma n v q\r\nma n q\r\nma zz q\r\nma a q\r\n", quiet, ""},
		{"md c q\r\nmd zz q\r\nmd a q C1\r\n", quiet, ""},
		{"mg a v q\r\nget a\r\n", plain, "VA"},
		{"mg a v q\r\nms c 1\r\nx\r\n", plain, "VA"},
		{"ms a 1 q C1\r\nx\r\nmg a\r\n", plain, "EX"},
		{"mg a v q\r\nmg zz\r\n", plain, "VA"},
		{"flush_all\r\n", plain, "OK"},
		{"flush_all 0 noreply\r\n", silent, "MN"},
	} {
		name, _, _ := strings.Cut(story.said[:min(len(story.said), 60)], "\r\n")
		answer := converse(t, conn, story.said+"mn\r\n")
		if !strings.HasPrefix(answer, story.answer) {
			t.Errorf("%s: answered %.100q, want %s", name, answer, story.answer)
		}
		got := follows(t, wire.Memcache, client("version\r\n"), server("VERSION 1\r\n"), client(story.said+"mn\r\n"), server(answer))[2:]
		if !slices.Equal(withoutSizes(got), story.want) {
			t.Errorf("%s: understood\n%s\nwant\n%s\nanswer %.200q", name, lines(got), lines(story.want), answer)
		}
	}
}

// converse says something that ends with mn, and gives what the server says up to the answer to that.
func converse(t *testing.T, conn net.Conn, said string) string {
	t.Helper()
	if _, err := io.WriteString(conn, said); err != nil {
		t.Fatal(err)
	}
	var answer []byte
	for buf := make([]byte, 64<<10); ; {
		n, err := conn.Read(buf)
		if answer = append(answer, buf[:n]...); strings.HasSuffix("\n"+string(answer), "\nMN\r\n") {
			return string(answer)
		}
		if err != nil {
			t.Fatalf("%.60q: %v behind %.100q", said, err, answer)
		}
	}
}
