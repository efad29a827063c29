package control_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/echo"
)

// overhear asks for a conversation, lets talk go on once the log has begun, and gives the log, without
// its first line and without times.
func overhear(t *testing.T, s *control.Server, query string, talk func()) string {
	t.Helper()
	resp, err := http.Get(s.URL() + "/proxies/db/conversation?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if first, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(first, "# what is said through db, ") {
		t.Fatalf("%d %q %v", resp.StatusCode, first, err)
	}
	talk()
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for line := range strings.Lines(string(rest)) {
		if at, what, ok := strings.Cut(line, " #"); ok && len(at) == len("15:04:05.000") {
			line = "#" + what
		}
		log.WriteString(line)
	}
	return log.String()
}

func TestAConversationAsTextAndAsHex(t *testing.T) {
	s, p := withProxy(t)
	ping := func() { says(p.Addr(), "p\x00ng\r\n\x1b[2Jé") }
	want := `#1 client
    p\x00ng\r\n\x1b[2Jé
#1 backend
    p\x00ng\r\n\x1b[2Jé
… the log ends here, after 24 bytes
`
	if got := overhear(t, s, "max=24", ping); got != want {
		t.Errorf("as text:\n%s\nwant\n%s", got, want)
	}
	if got := overhear(t, s, "max=6", func() { says(p.Addr(), "a\r\n\tb\n") }); !strings.HasPrefix(got, "#2 client\n    a\n    \tb\n") {
		t.Errorf("text has lines:\n%s", got)
	}
	want = `#3 client
    00000000  70 00 6e 67 0d 0a 1b 5b  32 4a c3 a9              |p.ng...[2J..|
… the log ends here, after 12 bytes
`
	if got := overhear(t, s, "as=hex&max=12", ping); got != want {
		t.Errorf("as hex:\n%s\nwant\n%s", got, want)
	}
	for _, bad := range []string{"as=html", "max=0", "max=x", "max=-1", "piece=0", "piece=9999999"} {
		must(t, s, 400, "GET", "/proxies/db/conversation?"+bad, "")
	}
	must(t, s, 404, "GET", "/proxies/nobody/conversation", "")
}

// secretive is a protocol of which everything the client says may be a password.
type secretive struct{ wire.Protocol }

func (secretive) Follow() wire.Conversation { return whisper{} }

type whisper struct{}

func (whisper) Client(data []byte) wire.Part {
	return wire.Part{N: len(data), Begin: true, End: true, Secret: true}
}
func (whisper) Server(data []byte) wire.Part    { return wire.Part{N: len(data), Begin: true, End: true} }
func (whisper) Refuse(why wire.Why) wire.Answer { return wire.Answer{Bytes: []byte("no")} }

func TestSecretsAreNotShown(t *testing.T) {
	s := &control.Server{Protocols: []wire.Protocol{named{secretive{wire.TCP}, "secretive"}}}
	start(t, s)
	p := made(t, s, `{"name":"db","protocol":"secretive","upstream":"`+echo.Start(t)+`"}`)
	for _, as := range []string{"as=text", "as=hex"} {
		got := overhear(t, s, as+"&max=5", func() { says(p.Listen, "s3cr3") })
		if !strings.Contains(got, "(5 bytes that may hold a password)") || strings.Contains(got, "s3cr3") {
			t.Errorf("%s:\n%s", as, got)
		}
	}
}

// named gives a protocol a name.
type named struct {
	wire.Protocol
	name string
}

func (n named) Name() string { return n.name }

func TestHTTPIsShownWithoutItsSecrets(t *testing.T) {
	s := start(t, &control.Server{})
	p := made(t, s, `{"name":"db","protocol":"http","upstream":"`+echo.Start(t)+`"}`)
	request := "GET /repo?token=abc HTTP/1.1\r\nHost: db\r\nAuthorization: Bearer abc\r\n\r\n"
	got := overhear(t, s, fmt.Sprint("max=", len(request)), func() { says(p.Listen, request) })
	for _, want := range []string{"    GET /repo?token=[redacted] HTTP/1.1\n", "    Authorization: [redacted]\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	got += overhear(t, s, fmt.Sprint("as=hex&max=", len(request)), func() { says(p.Listen, request) })
	if strings.Contains(got, "abc") || !strings.Contains(got, "|[redacted] HTTP/|") {
		t.Errorf("a secret is shown:\n%s", got)
	}
}

func TestALogToAFile(t *testing.T) {
	_, p := withProxy(t)
	out, in := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		err := control.Log{Piece: 3}.Follow(ctx, p, in)
		in.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(out)
	lines.Scan()
	says(p.Addr(), "hello")
	var log []string
	for lines.Scan() {
		if log = append(log, lines.Text()); strings.HasSuffix(lines.Text(), "more)") {
			cancel()
			break
		}
	}
	go io.Copy(io.Discard, out)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := strings.Join(log[1:], "\n"); got != "    hel\n    (and 2 bytes more)" {
		t.Errorf("the log is %q", log)
	}
}

// What was said before a log ends is in it, however slowly it is written.
func TestALogHasTheLastWords(t *testing.T) {
	_, p := withProxy(t)
	ctx, cancel := context.WithCancel(t.Context())
	write := control.Log{}.Tap(p)
	conn := dial(t, p.Addr())
	for i := range 20 {
		fmt.Fprintf(conn, "word%02d\n", i)
		if _, err := io.ReadFull(conn, make([]byte, len("word00\n"))); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	var log strings.Builder
	if err := write(ctx, &log); err != nil || strings.Count(log.String(), "word00\n") != 2 || strings.Count(log.String(), "word19\n") != 2 {
		t.Errorf("%v: %s", err, log.String())
	}
}

// A log that cannot be written ends with the reason, and one that is slow holds up nobody.
func TestALogThatCannotBeWritten(t *testing.T) {
	_, p := withProxy(t)
	full := errors.New("disk full")
	if err := (control.Log{}).Follow(t.Context(), p, writer(func([]byte) (int, error) { return 0, full })); err != full {
		t.Errorf("%v, want %v", err, full)
	}

	release, began := make(chan struct{}), make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	var log strings.Builder
	go func() {
		ended <- control.Log{}.Follow(ctx, p, writer(func(b []byte) (int, error) {
			select {
			case began <- struct{}{}:
			default:
				<-release
			}
			if strings.Contains(string(b), "came too fast") {
				cancel()
			}
			return log.Write(b)
		}))
	}()
	<-began
	conn := dial(t, p.Addr())
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	for range 500 {
		fmt.Fprint(conn, "x")
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatalf("the log holds up the proxy: %v", err)
		}
	}
	close(release)
	for ctx.Err() == nil { // let it have one more piece
		fmt.Fprint(conn, "x")
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "pieces came too fast for this log") {
		t.Error("what was missed is not told")
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }
