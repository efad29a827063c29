package faults_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// broken is a connection that is gone while the client does not look: it may see a reset, an end, or
// that, and that nobody listens, when it wants another one.
const broken = "broken"

// word says in a word what a client has seen.
func (r row) word(b backend, err error, took time.Duration) string {
	word := b.word(err)
	switch {
	case err == nil && r.late > 0 && took >= r.late:
		return "good, late"
	case r.breaks && lost[word]:
		return broken
	case (r.noise || r.denies && b.mute) && (lost[word] || strings.HasPrefix(word, "“")):
		return "an error"
	}
	return word
}

// lost are the words for a connection that is gone.
var lost = map[string]bool{"refused": true, "reset": true, "closed": true, "“invalid connection”": true}

func (b backend) word(err error) string {
	is := func(targets ...error) bool {
		for _, target := range targets {
			// Some clients keep the text of a cause, and lose the cause.
			if errors.Is(err, target) || strings.HasSuffix(err.Error(), ": "+target.Error()) {
				return true
			}
		}
		return false
	}
	var n net.Error
	switch {
	case err == nil:
		return "good"
	case is(context.DeadlineExceeded, os.ErrDeadlineExceeded, errLDAPTimeout), errors.As(err, &n) && n.Timeout():
		return "timeout"
	case is(syscall.ECONNREFUSED):
		return "refused"
	case is(syscall.ECONNRESET, syscall.EPIPE):
		return "reset"
	case is(io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, errLDAPClosed):
		return "closed"
	case errors.Is(err, errWrong):
		return err.Error()
	}
	if typed := b.typed(err); typed != "" {
		return typed
	}
	text, _, _ := strings.Cut(err.Error(), `"`) // what it quotes is long
	text = strings.TrimPrefix(text, "net/http: HTTP/1.x transport connection broken: ")
	return "“" + strings.TrimRight(text, ": ") + "”"
}

// What go-ldap says without an error of its own for it.
var (
	errLDAPTimeout = errors.New("ldap: connection timed out")
	errLDAPClosed  = errors.New("ldap: connection closed")
)
