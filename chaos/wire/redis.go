package wire

import (
	"cmp"
	"fmt"
)

// Redis is the protocol of Redis, Valkey and their kin: RESP2, RESP3 and inline commands, pipelined
// as they come. https://redis.io/docs/latest/develop/reference/protocol-spec/
//
// Commands between MULTI and EXEC are Joined to MULTI. A refused transaction gets its error at EXEC,
// where every client expects one: after an error to MULTI itself some lose count. If keys were watched
// the connection is closed behind it: EXEC ends a WATCH, whatever it answers, and the server, which has
// seen none, would fail a later transaction for those keys. Pushes, and messages to a RESP2 subscriber, are
// outside of answers; the answer to SUBSCRIBE and its like is all that confirms it. After MONITOR,
// PSYNC, SYNC, REPLCONF and SCRIPT DEBUG the connection is Opaque, and so it is after what no client
// library does: subscribing in a transaction, or with CLIENT REPLY OFF. It is Secret then, since AUTH may
// come at any time.
//
// Why.Code is the error's first word, in capitals: LOADING, READONLY, OOM; empty is ERR. What such an
// error says next is up to Message, the slot and address of MOVED, for example.
var Redis Protocol = redis{}

type redis struct{}

func (redis) Name() string { return "redis" }

func (redis) Follow() Conversation { return &redisTalk{} }

func (redis) Check(why Why) error {
	for _, c := range []byte(why.Code) {
		if c < 'A' || c > 'Z' {
			return fmt.Errorf("wire: redis: Code is %q, want a word in capitals such as ERR, LOADING or READONLY", why.Code)
		}
	}
	return nil
}

// redisTalk follows one connection.
type redisTalk struct {
	asked  queue[redisAsked]
	lost   bool   // all is opaque from here on
	multis uint32 // transactions so far

	// Of the client's side.
	command  redisCommand
	what     redisSpecial // the last request
	multi    bool         // a transaction has been begun
	refusing bool         // and it is refused
	mute     redisMute    // what the client has asked to be spared
	unmute   redisMute    // mute, if the last request is refused
	watching bool         // keys are watched
	watched  bool         // watching, if the last request is refused
	guards   bool         // the transaction has a command whose answer may hold a password

	// Of the server's side.
	frame  redisFrame
	reply  respValue
	begun  bool // the answer in front has begun
	resp3  bool
	heard  redisHeard
	verb   redisVerb // of the confirmation that is being read
	secret bool      // of the answer that is being read
}

// redisMute is what CLIENT REPLY has asked for.
type redisMute uint8

const (
	redisSpeak redisMute = iota
	redisSkip            // the next command has no answer
	redisOff             // no command has one
)

// redisAsked is what the server has yet to answer.
type redisAsked struct {
	kind redisKind
	verb redisVerb // of a subscription

	// n is how many commands of kind redisPlain there are, one after the other; which transaction
	// redisMulti begins; how many confirmations are still to come, 0 where the server decides.
	n uint32
}

type redisKind uint8

const (
	redisPlain     redisKind = iota
	redisGuarded             // the answer may hold a password
	redisMulti               // MULTI: an error means that there is no transaction
	redisHello               // HELLO: the kind of the answer tells the version from then on
	redisReset               // RESET
	redisSubscribe           // SUBSCRIBE and its like
)

// ask notes a command to be answered.
func (t *redisTalk) ask(asked redisAsked) {
	if asked.kind == redisPlain {
		if t.asked.len() > 0 && t.asked.back().kind == redisPlain {
			t.asked.back().n++
			return
		}
		asked.n = 1
	}
	t.asked.push(asked)
}

// Refuse takes back what the last request has changed. That a transaction has been begun stays: the
// commands joined to it are refused too, up to EXEC.
func (t *redisTalk) Refuse(why Why) Answer {
	t.mute, t.watching = t.unmute, t.watched
	begins := false
	if back := t.asked.back(); back.kind == redisPlain && back.n > 1 {
		back.n--
	} else {
		begins = back.kind == redisMulti
		t.asked.unpush()
	}
	switch {
	case begins:
		t.refusing = true
		return Answer{Bytes: []byte("+OK\r\n")}
	case t.refusing && t.multi && t.what != redisIsMulti:
		return Answer{Bytes: []byte("+QUEUED\r\n")}
	}
	ends := t.refusing && !t.multi
	if ends {
		t.refusing = false
	}
	broken := ends && t.watching
	if ends && t.what == redisIsDiscard {
		return Answer{Bytes: []byte("+OK\r\n"), Close: broken}
	}
	code := cmp.Or(why.Code, "ERR")
	return Answer{Bytes: []byte("-" + code + " " + oneLine(cmp.Or(why.Message, redisMessage(code))) + "\r\n"), Close: broken}
}

// redisMessage is what Redis 7 says with an error.
func redisMessage(code string) string {
	switch code {
	case "BUSY":
		return "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
	case "CLUSTERDOWN":
		return "The cluster is down"
	case "LOADING":
		return "Redis is loading the dataset in memory"
	case "MASTERDOWN":
		return "Link with MASTER is down and replica-serve-stale-data is set to 'no'."
	case "MISCONF":
		return "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."
	case "NOAUTH":
		return "Authentication required."
	case "NOREPLICAS":
		return "Not enough good replicas to write."
	case "OOM":
		return "command not allowed when used memory > 'maxmemory'."
	case "READONLY":
		return "You can't write against a read only replica."
	case "TRYAGAIN":
		return "Multiple keys request during rehashing of slot"
	}
	return "the server cannot answer now"
}
