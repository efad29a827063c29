//go:build linux

package journal_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// kind is a field by which a test finds its entries.
func kind(value string) journal.Field { return journal.Field{Name: "TEST_KIND", Value: value} }

// sender is one for j, closed at the test's end.
func sender(t testing.TB, j *journald.Journald) *journal.Sender {
	t.Helper()
	s := &journal.Sender{Path: j.Socket}
	t.Cleanup(func() { s.Close() })
	return s
}

// mustSend sends what must go through.
func mustSend(t *testing.T, s *journal.Sender, e journal.Entry) {
	t.Helper()
	if err := s.Send(e); err != nil {
		t.Fatalf("send %.100q: %v", e.Message, err)
	}
}

// persist sends until journald takes it.
func persist(t *testing.T, s *journal.Sender, e journal.Entry) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		err := s.Send(e)
		if err == nil {
			return
		}
		if !errors.Is(err, journal.ErrFull) && !errors.Is(err, journal.ErrAbsent) || time.Since(begun) > time.Minute {
			t.Fatal(err)
		}
	}
}

func TestAnEntryIsReadBackAsItWasSent(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, text := range map[string]string{
		"plain":                  "order placed",
		"empty":                  "",
		"line breaks":            "\none\n\ntwo\n",
		"only a line break":      "\n",
		"escape sequences":       "\x1b[31mred\x1b[0m",
		"NUL":                    "\x00a\x00",
		"not UTF-8":              "gr\xfc\xdfe \xff\xfe",
		"every byte":             string(all),
		"an equals sign":         "=a=b=",
		"what looks like fields": "x\nMESSAGE=forged\nTEST_FORGED=1\n\nMESSAGE=another entry\n",
		"5 KB":                   strings.Repeat("0123456789", 500),
		"5 KB of lines":          strings.Repeat("12345678\n", 555),
		"as a datagram":          strings.Repeat("d", 60<<10),
		"just a file":            strings.Repeat("f", 64<<10),
		"1 MB":                   strings.Repeat("some text of a line\n", 1<<20/20),
		"1 MB, any bytes":        strings.Repeat(string(all), 4<<10),
		"4 MB":                   strings.Repeat("0123456789", 4<<20/10),
	} {
		t.Run(name, func(t *testing.T) {
			persist(t, s, journal.Entry{Message: text, Fields: []journal.Field{kind(name), {Name: "TEST_VALUE", Value: text}}})
			found := j.Entries("TEST_KIND=" + name)
			if len(found) != 1 {
				t.Fatalf("found %d entries", len(found))
			}
			for _, field := range []string{"MESSAGE", "TEST_VALUE"} {
				if got := found[0][field]; len(got) != 1 || got[0] != text {
					t.Errorf("%s has %d values, %.100q, not %.100q", field, len(got), got, text)
				}
			}
			if forged := found[0]["TEST_FORGED"]; forged != nil {
				t.Errorf("a field was forged: %q", forged)
			}
		})
	}
}

func TestAnEntrySaysWhatItIs(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	s.Identifier = "shop"
	mustSend(t, s, journal.Entry{Message: "one", Fields: []journal.Field{
		kind("x"), {Name: "MESSAGE", Value: "two"}, {Name: "MESSAGE", Value: "three\n\xff"}, {Name: "A_1", Value: "a"}, {Name: "A_1", Value: ""},
	}})
	found := j.Entries("TEST_KIND=x")[0]
	for field, want := range map[string][]string{
		"MESSAGE": {"one", "three\n\xff", "two"}, "A_1": {"", "a"}, "PRIORITY": {"6"}, "SYSLOG_IDENTIFIER": {"shop"},
		"_TRANSPORT": {"journal"}, "_PID": {fmt.Sprint(os.Getpid())},
	} {
		slices.Sort(found[field]) // the journal does not promise their order
		if !slices.Equal(found[field], want) {
			t.Errorf("%s is %q, not %q", field, found[field], want)
		}
	}
}

func TestPrioritiesAreSyslogs(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	for p, want := range map[journal.Priority]string{
		journal.Emergency: "0", journal.Alert: "1", journal.Critical: "2", journal.Error: "3",
		journal.Warning: "4", journal.Notice: "5", journal.Info: "6", journal.Debug: "7",
	} {
		mustSend(t, s, journal.Entry{Priority: p, Fields: []journal.Field{kind(want)}})
		if found := j.Entries("TEST_KIND=" + want)[0]["PRIORITY"]; !slices.Equal(found, []string{want}) {
			t.Errorf("%d is %q, not %s", p, found, want)
		}
	}
}

func TestAnEntryThatIsNotValidIsRefusedAndSaysWhy(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	field := func(name string) journal.Entry {
		return journal.Entry{Message: "refused", Fields: []journal.Field{{Name: "GOOD", Value: "1"}, {Name: name, Value: "x"}}}
	}
	refused := map[string]journal.Entry{
		"priority is -7":  {Priority: journal.Emergency - 1},
		"priority is 2":   {Priority: journal.Debug + 1},
		"1022 fields":     {Fields: slices.Repeat([]journal.Field{kind("x")}, 1022)},
		"805306516 bytes": {Message: "1234", Fields: slices.Repeat([]journal.Field{{Name: "AB", Value: strings.Repeat("x", 64<<20)}}, 12)},
	}
	for _, name := range []string{
		"", "a", "_A", "_PID", "__CURSOR", "1A", "A-B", "A B", "A=B", "A.B", "Ä", "A\x00", "A\n", "\nA", "A=", "=", "A\x00B", "É",
		"K=1\nMESSAGE", "K\nMESSAGE=forged\nX", "PRIORITY", strings.Repeat("A", 65),
	} {
		refused[fmt.Sprintf("field %q:", name)] = field(name)
	}
	for text, e := range refused {
		err := s.Send(e)
		var invalid *journal.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error is %v", text, err)
		}
	}
	if stats, want := s.Stats(), (journal.Stats{Invalid: int64(len(refused))}); stats != want {
		t.Errorf("counted %+v, not %+v", stats, want)
	}
	for _, name := range []string{"A", "Z9", "A_", "A__B", strings.Repeat("A", 64)} {
		mustSend(t, s, journal.Entry{Message: "taken", Fields: []journal.Field{kind(name), {Name: name, Value: "x"}}})
		if found := j.Entries("TEST_KIND="+name, name+"=x"); len(found) != 1 {
			t.Errorf("%s: found %d entries", name, len(found))
		}
	}
	mustSend(t, s, journal.Entry{Fields: slices.Repeat([]journal.Field{kind("many")}, 1021)})
	if found := j.Entries("TEST_KIND=many"); len(found) != 1 {
		t.Errorf("journald took %d entries of as many fields as are accepted", len(found))
	}
	if found := j.Entries("MESSAGE=refused"); len(found) != 0 {
		t.Errorf("refused and still sent: %q", found)
	}
}
