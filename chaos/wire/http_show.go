package wire

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/internal/field"
	"github.com/heeler-go/heeler/internal/redact"
)

// Show is what one side has said, for a log: a head line by line without its secrets, as slow requests
// are shown, anything else in quotes. Where a body is in pieces, a secret in it that is cut off from its
// name is not found.
func (httpProtocol) Show(client bool, data []byte) string {
	var secrets redact.List
	line, rest := cutLine(data)
	var head httpHead
	if client && !head.request(line) || !client && !head.status(line) {
		return quoted(secrets, data)
	}
	var b strings.Builder
	if client {
		b.WriteString(shownRequest(secrets, line))
	} else {
		b.WriteString(secrets.Header("", string(line)))
	}
	for len(rest) > 0 {
		if line, rest = cutLine(rest); len(line) == 0 {
			break
		}
		for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') { // obs-fold
			var more []byte
			more, rest = cutLine(rest)
			line = bytes.Join([][]byte{line, trimBlank(more)}, []byte(" "))
		}
		b.WriteByte('\n')
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || !field.IsToken(string(name)) {
			b.WriteString(quoted(secrets, line))
			continue
		}
		b.WriteString(string(name) + ": " + secrets.Header(string(name), string(trimBlank(value))))
	}
	if len(rest) > 0 {
		b.WriteString("\n\n" + quoted(secrets, rest))
	}
	return b.String()
}

// shownRequest is METHOD target HTTP/1.x.
func shownRequest(secrets redact.List, line []byte) string {
	method, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if !field.IsToken(string(line[:method])) {
		return quoted(secrets, line)
	}
	return string(line[:method]) + " " + secrets.URI(string(line[method+1:last])) + string(line[last:])
}

func quoted(secrets redact.List, data []byte) string {
	return strconv.Quote(secrets.Text(string(data)))
}
