//go:build linux

package journal_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

// decode reads a datagram as the protocol says: NAME=value and a line break, or NAME, a line break, the
// length as 64 bits with the least significant byte first, the value and a line break.
func decode(datagram []byte) ([]journal.Field, error) {
	var fields []journal.Field
	for rest := string(datagram); rest != ""; {
		line, after, ended := strings.Cut(rest, "\n")
		if !ended {
			return nil, fmt.Errorf("%.50q has no end", rest)
		}
		name, value, plain := strings.Cut(line, "=")
		if !plain {
			if len(after) < 8 {
				return nil, fmt.Errorf("%.50q has no length", name)
			}
			size := binary.LittleEndian.Uint64([]byte(after))
			if after = after[8:]; size >= uint64(len(after)) || after[size] != '\n' {
				return nil, fmt.Errorf("%.50q has not %d bytes and a line break", name, size)
			}
			value, after = after[:size], after[size+1:]
		}
		fields = append(fields, journal.Field{Name: name, Value: value})
		rest = after
	}
	return fields, nil
}

// A listener is a socket that takes the place of journald, for tests in which datagrams are looked at.
type listener struct {
	conn *net.UnixConn
	path string
	buf  []byte
}

func listen(t testing.TB) *listener {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &listener{conn: conn, path: path, buf: make([]byte, 1<<20)}
}

// next is the entry that was sent next. It has been sent already, so nobody waits.
func (l *listener) next(t testing.TB) []journal.Field {
	t.Helper()
	l.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := l.conn.Read(l.buf)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := decode(l.buf[:n])
	if err != nil {
		t.Fatalf("%v in %q", err, l.buf[:n])
	}
	return fields
}

// values are those of the fields of one name.
func values(fields []journal.Field, name string) (found []string) {
	for _, f := range fields {
		if f.Name == name {
			found = append(found, f.Value)
		}
	}
	return found
}
