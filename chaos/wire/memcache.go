package wire

import (
	"bytes"
	"fmt"
)

// Memcache is memcached's text protocol, meta commands included. Codes are SERVER_ERROR, which it is
// without one, CLIENT_ERROR, and ERROR, which has no Message.
//
// Commands with noreply, and quit, are Silent. Meta commands with the flag q may have an answer or not:
// they are one request with what follows them, up to a command without that flag. Of such a request the
// first command alone is refused, as by a server that is out of memory; what follows is a request of its
// own, and the answer to mn there is MN, for which the client reads on. Where only the client can tell
// whose answer something is, the connection becomes opaque, as it does with the binary protocol, TLS,
// watch, and commands that the server would not read as they are meant.
//
// A server that wants a password takes it from the data of a set, memcached's -Y. Until the server has
// answered anything but an error, such data is Secret, and so is the connection if it becomes opaque.
var Memcache Protocol = memcacheProtocol{}

type memcacheProtocol struct{}

func (memcacheProtocol) Name() string { return "memcache" }

func (memcacheProtocol) Follow() Conversation { return &memcacheTalk{} }

func (memcacheProtocol) Check(why Why) error {
	switch why.Code {
	case "", "SERVER_ERROR", "CLIENT_ERROR":
		return nil
	case "ERROR":
		if why.Message != "" {
			return fmt.Errorf("wire: memcache: Message is %q, but ERROR has none: it must be empty", why.Message)
		}
		return nil
	}
	return fmt.Errorf("wire: memcache: Code is %q, accepted are SERVER_ERROR, CLIENT_ERROR, ERROR, or nothing", why.Code)
}

type memcacheTalk struct {
	block   memcacheBlock // of the client
	longGet bool          // the client is in a line of many keys
	secret  bool          // the block may be a login
	trusted bool          // the server has answered: it wants no login, or has had it
	group   bool          // the request goes on with the client's next command
	held    bool          // the last byte of its first line waits for its fate
	hushed  bool          // the last command was quiet, and refused
	noop    bool          // the last request is the mn behind such commands

	asked     queue[memcacheAsked]
	found     memcacheBlock // of the server
	answering bool          // its answer has begun
	last      bool          // and ends with the block
}

// A memcacheAsked is a request that has no complete answer yet, or Silent ones in a row.
type memcacheAsked struct {
	answer memcacheCodes // how the answer may end; none so far if the request goes on
	quiet  memcacheCodes // what else may be in it
	silent bool
	stores bool
}

func (t *memcacheTalk) Client(data []byte) Part {
	if t.held {
		t.held = false
		return Part{N: 1, End: !t.group}
	}
	if t.block.open() {
		n := t.block.eat(data)
		if n == 0 {
			return t.lose()
		}
		return Part{N: n, End: !t.block.open() && !t.group, Secret: t.secret}
	}
	end := bytes.IndexByte(data, '\n')
	if t.longGet {
		t.longGet = end < 0
		if end < 0 {
			return Part{N: len(data)}
		}
		return Part{N: end + 1, End: true}
	}
	if manyKeys(data) { // such a line may be longer than what can be kept
		part := t.begin(memcacheCommand{answer: codeText}, end < 0)
		part.N, part.End = end+1, end >= 0
		if end < 0 {
			t.longGet, part.N = true, len(data)
		}
		return part
	}
	if (data[0] < 'a' || data[0] > 'z') && bytes.IndexByte([]byte(" \r\n"), data[0]) < 0 {
		return t.lose() // TLS and the binary protocol have no lines to wait for
	}
	if end < 0 {
		return Part{}
	}
	var c memcacheCommand
	if !c.parse(trimCR(data[:end])) || t.group && c.quit {
		return t.lose()
	}
	part := t.begin(c, c.stores)
	part.N = end + 1
	switch {
	case c.stores:
		t.block = memcacheBlock{left: c.size, tail: 2}
	case part.Begin && t.group: // it ends here if it is refused
		t.held = true
		part.N--
	}
	return part
}

// lose is for what is not understood.
func (t *memcacheTalk) lose() Part { return Part{Opaque: true, Secret: t.secret || !t.trusted} }

// manyKeys says whether a get of any kind begins here.
func manyKeys(data []byte) bool {
	space := bytes.IndexByte(data[:min(len(data), len("gats "))], ' ')
	if space < 0 {
		return false
	}
	switch string(data[:space]) {
	case "get", "gets", "gat", "gats":
		return true
	}
	return false
}

// begin notes a command, of which there may be more, and what answer to expect.
func (t *memcacheTalk) begin(c memcacheCommand, more bool) Part {
	t.secret = c.stores && !t.trusted
	starts, goesOn := !t.group, c.quiet != 0 || t.group && c.silent
	part := Part{Begin: starts, End: !goesOn && !more, Silent: starts && c.silent}
	t.group = goesOn
	if starts {
		t.noop = t.hushed && c.answer == codeMN
		t.hushed = t.hushed && (goesOn || c.silent)
		if c.silent && t.asked.len() > 0 && t.asked.back().silent {
			t.asked.back().stores = t.asked.back().stores || c.stores
			return part
		}
		t.asked.push(memcacheAsked{silent: c.silent, stores: c.stores})
	}
	asked := t.asked.back()
	asked.quiet |= c.quiet
	if !goesOn {
		asked.answer = c.answer
	}
	return part
}

func (t *memcacheTalk) Refuse(why Why) Answer {
	t.asked.unpush()
	t.hushed = t.hushed || t.group
	t.group = false
	if t.noop {
		return Answer{Bytes: []byte("MN\r\n")}
	}
	if why.Code == "ERROR" {
		return Answer{Bytes: []byte("ERROR\r\n")}
	}
	code, message := why.Code, oneLine(why.Message)
	if code == "" {
		code = "SERVER_ERROR"
	}
	if message == "" {
		message = "out of memory"
	}
	return Answer{Bytes: []byte(code + " " + message + "\r\n")}
}
