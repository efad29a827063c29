package wire_test

import (
	"fmt"
	"strings"

	"github.com/heeler-go/heeler/chaos/wire"
)

// An event is the parts of a message, or of what is in none, that were said one after the other.
type event struct {
	wire.Part
	client  bool
	message bool
	secret  int
	note    string
	closed  bool
}

// grow takes next as a further part of the same, if it is.
func (e *event) grow(next event) bool {
	if e.client != next.client || e.message != next.message || e.ID != next.ID || e.End || next.Begin || e.note == "opaque" {
		return false
	}
	e.N += next.N
	e.secret += next.secret
	e.End, e.More = next.End, next.More
	return true
}

func (e event) String() string {
	who, what := "server", "answer"
	if e.client {
		who, what = "client", "request"
	}
	var b strings.Builder
	switch {
	case e.closed: // before or after the rest of the request, as it came
		fmt.Fprintf(&b, "%s…", what)
	case e.N == 0:
		b.WriteString(who)
	case !e.message:
		fmt.Fprintf(&b, "%s %d%s", who, e.N, dots(e.More))
	default:
		fmt.Fprintf(&b, "%s%s %d%s", dots(!e.Begin), what, e.N, dots(!e.End))
	}
	if e.ID != 0 {
		fmt.Fprintf(&b, " id=%d", e.ID)
	}
	for _, word := range []struct {
		is   bool
		word string
	}{
		{e.Silent, "silent"},
		{e.Joined, "joined"},
		{e.secret > 0 && !e.closed, fmt.Sprintf("secret=%d", e.secret)},
		{e.note != "", e.note},
		{e.closed, "close"},
	} {
		if word.is {
			b.WriteString(" " + word.word)
		}
	}
	return b.String()
}

func dots(is bool) string {
	if is {
		return "…"
	}
	return ""
}
