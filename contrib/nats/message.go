package nats

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/offpath/spool"
)

// The headers of a message have the fields of an entry; its payload is the body.
const (
	headID       = "Heeler-Id"
	headReceived = "Heeler-Received"
	headMethod   = "Heeler-Method"
	headURI      = "Heeler-Uri"
	headHost     = "Heeler-Host"
	headRemote   = "Heeler-Remote-Addr"
	headProto    = "Heeler-Proto"
	headHeader   = "Heeler-Header" // one for each value, as "Name:value"
	headAttempts = "Heeler-Attempts"
	headError    = "Heeler-Error"
)

// encode makes the headers of a message. What clients have sent is in them
// escaped, so that no byte of it can end a line or be taken for a space that may
// be trimmed.
func encode(e *spool.Entry) nats.Header {
	h := nats.Header{
		jetstream.MsgIDHeader: {escape(e.ID)},
		headID:                {escape(e.ID)},
		headReceived:          {e.Received.Format(time.RFC3339Nano)},
	}
	for name, value := range fields(e) {
		if *value != "" {
			h.Set(name, escape(*value))
		}
	}
	for name, values := range e.Header {
		for _, v := range values {
			h.Add(headHeader, escape(name)+":"+escape(v))
		}
	}
	return h
}

// fields are those of an entry that are a string.
func fields(e *spool.Entry) map[string]*string {
	return map[string]*string{
		headMethod: &e.Method, headURI: &e.URI, headHost: &e.Host, headRemote: &e.RemoteAddr, headProto: &e.Proto,
		headError: &e.LastError,
	}
}

// decode makes an entry of a message. One that was published by other means has
// the fields that its headers have.
func decode(h nats.Header, data []byte) (*spool.Entry, error) {
	var errs []error
	plain := func(name, s string) string {
		value, err := url.PathUnescape(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("header %s: %w", name, err))
		}
		return value
	}
	e := &spool.Entry{
		ID:   plain(headID, h.Get(headID)),
		Size: int64(len(data)),
		Body: func() io.Reader { return bytes.NewReader(data) },
	}
	for name, value := range fields(e) {
		*value = plain(name, h.Get(name))
	}
	if at := h.Get(headReceived); at != "" {
		var err error
		if e.Received, err = time.Parse(time.RFC3339Nano, at); err != nil {
			errs = append(errs, fmt.Errorf("header %s: %w", headReceived, err))
		}
	}
	for _, line := range h.Values(headHeader) {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			errs = append(errs, fmt.Errorf("header %s: %q has no colon", headHeader, line))
			continue
		}
		if e.Header == nil {
			e.Header = make(http.Header)
		}
		name = plain(headHeader, name)
		e.Header[name] = append(e.Header[name], plain(headHeader, value))
	}
	return e, errors.Join(errs...)
}

// escape makes of any string one of printable ASCII without spaces and colons,
// and leaves most of what is in an URI readable. [url.PathUnescape] is its
// inverse.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '%' || c == ':' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
