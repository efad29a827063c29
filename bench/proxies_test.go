package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// followed says what a protocol makes of a talk: how many requests begin, how many answers end, and
// whether any byte was not understood.
func followed(t *testing.T, p wire.Protocol, one talk) (requests, answers int, opaque bool) {
	t.Helper()
	conversation := p.Follow()
	show := func(data []byte, look func([]byte) wire.Part, count func(wire.Part)) {
		for len(data) > 0 {
			part := look(data)
			if part.Opaque || part.N == 0 {
				opaque = true
				return
			}
			count(part)
			data = data[part.N:]
		}
	}
	backend := func(data []byte) {
		show(data, conversation.Server, func(part wire.Part) {
			if part.End {
				answers++
			}
		})
	}
	client := func(data []byte) {
		show(data, conversation.Client, func(part wire.Part) {
			if part.Begin {
				requests++
			}
		})
	}
	backend(one.greeting)
	client(one.login)
	backend(one.welcome)
	requests, answers = 0, 0 // a login may count as one
	for _, x := range []exchange{one.small, one.download, one.upload, one.small} {
		client(whole(x.request))
		backend(whole(x.answer))
	}
	return requests, answers, opaque
}

// whole is a message as it is on the wire.
func whole(m message) []byte {
	all := append([]byte{}, m.head...)
	for range m.times {
		all = append(all, m.chunk...)
	}
	return append(all, m.tail...)
}

func TestEachProtocolUnderstandsWhatIsSaidInIt(t *testing.T) {
	for _, one := range talks() {
		p := wire.ByName(wire.Protocols(), one.name)
		if p == wire.TCP {
			continue // it has no requests
		}
		if requests, answers, opaque := followed(t, p, one); requests != 4 || answers != 4 || opaque {
			t.Errorf("%s: %d requests and %d answers, opaque %v; want 4 and 4 that are understood", one.name, requests, answers, opaque)
		}
	}
}

func TestTheRequestsOfATalkAreToldApart(t *testing.T) {
	for _, one := range talks() {
		for name, x := range map[string]exchange{"small": one.small, "download": one.download, "upload": one.upload} {
			got, err := one.find(x.request.head)
			if err != nil || got.request.size() != x.request.size() || got.answer.size() != x.answer.size() {
				t.Errorf("%s: the %s request is taken for another, or for none: %v", one.name, name, err)
			}
		}
	}
}

func TestAnAnswerThatIsNotTheBackendsIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.ReadFull(conn, make([]byte, httpTalk().small.request.size()))
		io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 20\r\n\r\n12345678901234567890")
	}()
	if err := visit(l.Addr().String(), httpTalk(), make([]byte, 512)); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("error %v, want one that shows the 503", err)
	}
}

func TestEachProxyLeavesItsProfile(t *testing.T) {
	p := plan{rounds: 1, flow: time.Millisecond, profiles: t.TempDir()}
	one := contests()[len(contests())-1]
	if _, err := one.hold(p); err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(p.profiles, one.name+".heeler-mysql.pprof")
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("%v, want a profile", err)
	}
}

func TestAVerdictComparesWithWhatIsWanted(t *testing.T) {
	ours, parses := contender{name: "heeler, tcp", talk: plainTalk(), ours: true}, contender{name: "heeler, http", talk: httpTalk(), ours: true}
	more, less := contest{peer: 2, plain: 0.9}, contest{peer: 0.5, less: true}
	for _, c := range []struct {
		contest     contest
		contender   contender
		peer, plain float64
		want        string
	}{
		{more, ours, 2, 0.9, "≥ 2.0 toxiproxy, ≥ 0.9 plain: yes"},
		{more, ours, 1.9, 1, "≥ 2.0 toxiproxy, ≥ 0.9 plain: no"},
		{more, ours, 3, 0.8, "≥ 2.0 toxiproxy, ≥ 0.9 plain: no"},
		{more, parses, 1, 0.1, "≥ 1.0 toxiproxy: yes"},
		{less, ours, 0.5, 3, "≤ 0.5 toxiproxy: yes"},
		{less, ours, 0.6, 1, "≤ 0.5 toxiproxy: no"},
		{less, parses, 1.1, 1, "≤ 1.0 toxiproxy: no"},
		{more, contender{name: peerProxy}, 1, 1, ""},
	} {
		if got := c.contest.verdict(c.contender, c.peer, c.plain); got != c.want {
			t.Errorf("%s at %.1f and %.1f: %q, want %q", c.contender.name, c.peer, c.plain, got, c.want)
		}
	}
}
