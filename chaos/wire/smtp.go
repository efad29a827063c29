package wire

import (
	"cmp"
	"fmt"
)

// SMTP is the protocol of mail, RFC 5321, with pipelining (RFC 2920), AUTH (RFC 4954) and BDAT (RFC
// 3030). After STARTTLS (RFC 3207) the connection is Opaque, as it is after commands with several
// answers (LHLO, PRDR) and those that turn it around.
//
// A mail's text is a request of its own, Joined to the DATA before it: a server that has been told
// DATA must get the text. In the same way the lines of AUTH are Joined to it, and the chunks of one
// mail to each other. A text ends with CRLF "." CRLF and with nothing else.
//
// What a client says before it is greeted is outside of requests, and so are the answers to that: no
// refusal can stand in front of the greeting. As a password may come at any time, an Opaque connection
// is Secret, and lines that are no command are: they may be those of an AUTH that was not accepted.
//
// Why.Code is a reply code that begins with 4 or 5; empty is 451. 421 closes the connection.
var SMTP Protocol = smtp{}

type smtp struct{}

func (smtp) Name() string { return "smtp" }

func (smtp) Follow() Conversation { return &smtpTalk{} }

func (smtp) Check(why Why) error {
	if c := why.Code; c == "" || len(c) == 3 && (c[0] == '4' || c[0] == '5') &&
		'0' <= c[1] && c[1] <= '5' && '0' <= c[2] && c[2] <= '9' {
		return nil
	}
	return fmt.Errorf("wire: smtp: Code is %q, want a reply code from 400 to 459 or from 500 to 559", why.Code)
}

// smtpTalk follows one connection.
type smtpTalk struct {
	asked queue[smtpAsked]
	lost  bool // all is opaque from here on

	// Of the client's side.
	says      smtpSays
	undecided bool  // the answer to the last command decides how to read what follows
	chunking  bool  // a mail has begun with BDAT, and its last chunk is still to come
	left      int64 // bytes of a chunk
	dot       int   // how much of the end of a text has been seen
	hello     bool  // the last command was EHLO or HELO
	outside   bool  // it is no request: it, or one whose answer is still to come, was said before the greeting

	// Of the server's side.
	greeted  bool
	replying bool
}

// smtpSays is what the client says next.
type smtpSays uint8

const (
	smtpCommand smtpSays = iota
	smtpSecret           // a line of AUTH
	smtpText             // the text of a mail, to begin
	smtpTexting          // and its rest
	smtpChunk            // the rest of a chunk
)

// smtpAsked is what the server has yet to answer.
type smtpAsked struct {
	kind    smtpKind
	outside bool // of requests
}

type smtpKind uint8

const (
	smtpPlain smtpKind = iota
	smtpAuth
	smtpData
	smtpStartTLS
)

// Refuse leaves the client at its next command, whatever this one would have led to.
func (t *smtpTalk) Refuse(why Why) Answer {
	t.asked.unpush()
	t.undecided = false
	code := cmp.Or(why.Code, "451")
	status, message := smtpMessage(code)
	text := code + " "
	if !t.hello { // RFC 2034 section 4
		text += status + " "
	}
	return Answer{Bytes: []byte(text + oneLine(cmp.Or(why.Message, message)) + "\r\n"), Close: code == "421"}
}

// smtpMessage is the status of RFC 3463 that belongs to a reply code, and the text of RFC 5321.
func smtpMessage(code string) (status, message string) {
	switch code {
	case "421":
		return "4.3.2", "Service not available, closing transmission channel"
	case "450":
		return "4.2.0", "Requested mail action not taken: mailbox unavailable"
	case "452":
		return "4.3.1", "Requested action not taken: insufficient system storage"
	case "454":
		return "4.7.0", "Temporary authentication failure"
	case "535":
		return "5.7.8", "Authentication credentials invalid"
	case "550":
		return "5.1.1", "Requested action not taken: mailbox unavailable"
	case "552":
		return "5.2.2", "Requested mail action aborted: exceeded storage allocation"
	case "554":
		return "5.3.0", "Transaction failed"
	}
	return code[:1] + ".3.0", "Requested action aborted: local error in processing"
}
