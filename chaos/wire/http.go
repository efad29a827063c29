package wire

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// HTTP is HTTP/1.0 and HTTP/1.1, RFC 9112. Codes are 500 to 599; without one, Refuse picks 500, 501,
// 502 or 503.
//
// Interim answers are in no answer. Behind a CONNECT or an upgrade that the server has granted, and where
// a message's length makes no sense, the connection is opaque, as are HTTP/2 and TLS from the start. An
// answer that ends with its connection has no End.
//
// A log can show the heads without their secrets:
//
//	Show(client bool, data []byte) string
//
// gives the text for what one side has said.
var HTTP Protocol = httpProtocol{}

type httpProtocol struct{}

func (httpProtocol) Name() string { return "http" }

func (httpProtocol) Follow() Conversation { return &httpTalk{} }

func (httpProtocol) Check(why Why) error {
	if why.Code == "" || len(why.Code) == 3 && decimal([]byte(why.Code))/100 == 5 {
		return nil
	}
	return fmt.Errorf("wire: http: Code is %q, accepted are 500 to 599, or nothing", why.Code)
}

type httpTalk struct {
	client, server httpSide
	asked          queue[httpKind] // what has no complete answer yet
	last           httpHead        // of the request that has begun last
	opaque         bool
}

// An httpSide is where one side is in its messages.
type httpSide struct {
	body    httpBody
	scanned int // how far what is kept of a head has been looked through
	head    httpHead
}

func (t *httpTalk) Client(data []byte) Part {
	side := &t.client
	if t.opaque {
		return Part{Opaque: true}
	}
	if part, done := side.outsideHead(data); done {
		return part
	}
	n, ok := side.readHead(data, true)
	if n == 0 || !ok {
		return Part{Opaque: !ok}
	}
	if side.body, ok = side.head.body(); !ok {
		return Part{Opaque: true}
	}
	t.last = side.head
	t.asked.push(side.head.kind)
	return Part{N: n, Begin: true, End: side.body.state == bodyNone}
}

func (t *httpTalk) Server(data []byte) Part {
	side := &t.server
	if t.opaque {
		return Part{Opaque: true}
	}
	if part, done := side.outsideHead(data); done {
		if part.End {
			t.asked.pop()
		}
		return part
	}
	if t.asked.len() == 0 {
		return Part{Opaque: true}
	}
	n, ok := side.readHead(data, false)
	if n == 0 || !ok {
		return Part{Opaque: !ok}
	}
	code := side.head.code
	if code < 200 && code != http.StatusSwitchingProtocols {
		return Part{N: n}
	}
	to := *t.asked.front()
	t.opaque = code == http.StatusSwitchingProtocols || to == httpCONNECT && code/100 == 2
	if !t.opaque {
		side.body = side.head.answerBody(to)
	}
	end := side.body.state == bodyNone
	if end {
		t.asked.pop()
	}
	return Part{N: n, Begin: true, End: end}
}

// outsideHead is for what is not in a head: the body, and empty lines before the next head, which RFC
// 9112 section 2.2 wants to be ignored.
func (s *httpSide) outsideHead(data []byte) (part Part, done bool) {
	if s.body.state != bodyNone {
		n, end := s.body.eat(data)
		return Part{N: n, End: end, Opaque: n == 0}, true
	}
	n := 0
	for n < len(data) && (data[n] == '\n' || data[n] == '\r') {
		n++
	}
	return Part{N: n}, n > 0
}

// readHead reads a head if it is complete; n is 0 if it is not.
func (s *httpSide) readHead(data []byte, client bool) (n int, ok bool) {
	if s.scanned == 0 {
		if known, ok := httpFirst(data, client); known && !ok {
			return 0, false
		}
	}
	n, s.scanned = httpHeadEnd(data, s.scanned)
	if n == 0 {
		return 0, true
	}
	s.scanned = 0
	return n, s.head.parse(data[:n], client)
}

func (t *httpTalk) Refuse(why Why) Answer {
	t.asked.unpush()
	code := 500 + int(why.Pick%4)
	if n := decimal([]byte(why.Code)); n > 0 {
		code = int(n)
	}
	reason := http.StatusText(code)
	if reason == "" {
		reason = "Server Error"
	}
	text := reason + "\n"
	if why.Message != "" {
		text = oneLine(why.Message) + "\n"
	}
	// A client that waits to be asked for the body would not send it, and one that asked for it wants the
	// connection closed.
	last := t.last
	closing := last.close || last.expect || last.minor == 0 && !last.keep
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + strconv.Itoa(code) + " " + reason + "\r\n")
	b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Length: " + strconv.Itoa(len(text)) + "\r\n")
	switch {
	case closing:
		b.WriteString("Connection: close\r\n")
	case last.minor == 0:
		b.WriteString("Connection: keep-alive\r\n")
	}
	b.WriteString("\r\n")
	if last.kind != httpHEAD {
		b.WriteString(text)
	}
	return Answer{Bytes: []byte(b.String()), Close: closing}
}

var lineBreaks = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// oneLine makes a space of each line break.
func oneLine(s string) string { return lineBreaks.Replace(s) }
