//go:build linux

package journal_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/offpath/journal"
)

var goodName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}\z`)

// FuzzEntry sends entries to a socket and reads the datagrams with a decoder of its own: what comes out is
// what went in, or the entry was refused and is at fault.
func FuzzEntry(f *testing.F) {
	l := listen(f)
	s := &journal.Sender{Path: l.path}
	defer s.Close()
	f.Add("order placed", 0, "A", "1", "B_2", "two\nlines")
	f.Add("\x00\xff\n", -6, "K=1\nMESSAGE", "forged", "MESSAGE", "again")
	f.Add("x\nMESSAGE=y\n", 1, "A\n\x00\x00\x00\x00\x00\x00\x00\x00", "\n", "_PID", "1")
	f.Fuzz(func(t *testing.T, message string, priority int, name1, value1, name2, value2 string) {
		if len(message)+len(value1)+len(value2) > 32<<10 {
			t.Skip("goes as a file")
		}
		e := journal.Entry{
			Message: message, Priority: journal.Priority(priority),
			Fields: []journal.Field{{Name: name1, Value: value1}, {Name: name2, Value: value2}},
		}
		good := priority >= -6 && priority <= 1
		for _, f := range e.Fields {
			good = good && goodName.MatchString(f.Name) && f.Name != "PRIORITY"
		}
		err := s.Send(e)
		if !good {
			var invalid *journal.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("%+v: the error is %v", e, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		want := append([]journal.Field{
			{Name: "PRIORITY", Value: string(rune('6' + priority))}, {Name: "MESSAGE", Value: message},
		}, e.Fields...)
		if found := l.next(t); !slices.Equal(found, want) {
			t.Errorf("found %q, not %q", found, want)
		}
	})
}

// FuzzFieldName makes names of anything: they are always valid, keep their prefix, and are always the same.
func FuzzFieldName(f *testing.F) {
	for _, text := range []string{"", "user-id", "http.status", "größe", "名前", "K=1\nMESSAGE", strings.Repeat("long", 30), "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := journal.FieldName("LOG_", text)
		if !goodName.MatchString(name) || !strings.HasPrefix(name, "LOG_") {
			t.Errorf("%q became %q", text, name)
		}
		if again := journal.FieldName("LOG_", text); again != name {
			t.Errorf("%q became %q, and then %q", text, name, again)
		}
	})
}
