package journal_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

const roomy = 1 << 20

// read reads lines with nothing wrong about them.
func read(t *testing.T, text string, max int) []journal.Record {
	t.Helper()
	records, garbage, err := journal.ReadRecords(strings.NewReader(text), max)
	if err != io.EOF || garbage != 0 {
		t.Fatalf("%.200s: %d lines of garbage, %v", text, garbage, err)
	}
	return records
}

func TestAFieldHasFourShapes(t *testing.T) {
	for _, story := range []struct {
		name, json string
		want       []string
		truncated  bool
	}{
		{"a string", `"plain"`, []string{"plain"}, false},
		{"an empty string", `""`, []string{""}, false},
		{"null, where it was too long", `null`, nil, true},
		{"bytes that are no text", `[255,0,27,10]`, []string{"\xff\x00\x1b\n"}, false},
		{"bytes with spaces between", `[ 255 , 0 ]`, []string{"\xff\x00"}, false},
		{"no bytes", `[]`, []string{""}, false},
		{"several values", `["one","two"]`, []string{"one", "two"}, false},
		{"several values of each shape", `["one",[116,27],null,[],"five"]`, []string{"one", "t\x1b", "", "five"}, true},
		{"several arrays of bytes", `[[1,2],[3]]`, []string{"\x01\x02", "\x03"}, false},
		{"escapes", `"\"\\\/\b\f\n\r\t\u0041\u00e4\u20AC"`, []string{"\"\\/\b\f\n\r\tAä€"}, false},
		{"a pair of surrogates", `"\ud83d\ude00!"`, []string{"😀!"}, false},
		{"halves of such pairs", `"\ud83d\u0041\ude00\ud83d\ud83d\ude00\ud83d"`, []string{"�A��😀�"}, false},
		{"UTF-8 as it is", `"ä€😀"`, []string{"ä€😀"}, false},
	} {
		t.Run(story.name, func(t *testing.T) {
			line := `{"A":"before","F":` + story.json + `,"__CURSOR":"s=1;i=1","Z":"behind"}` + "\n"
			records := read(t, line, roomy)
			if len(records) != 1 {
				t.Fatalf("read %d records", len(records))
			}
			r := records[0]
			if !reflect.DeepEqual(r.Fields["F"], story.want) || r.Truncated != story.truncated {
				t.Errorf("%q, truncated %v; want %q, %v", r.Fields["F"], r.Truncated, story.want, story.truncated)
			}
			if r.Get("A") != "before" || r.Get("Z") != "behind" || r.Cursor != "s=1;i=1" {
				t.Errorf("what is around it: %+v", r)
			}
		})
	}
}

func TestARecordHasItsPlaceAndItsTimeAndItsSender(t *testing.T) {
	r := read(t, `{"MESSAGE":["one","two"],"__REALTIME_TIMESTAMP":"1795263858553724","PRIORITY":"3","_UID":"1000","__CURSOR":"s=1;i=2",`+
		`"_SYSTEMD_UNIT":"shop.service"}`, roomy)[0]
	if want := time.Date(2026, 11, 21, 12, 24, 18, 553724000, time.UTC); !r.Time.Equal(want) {
		t.Errorf("time is %s, want %s", r.Time, want)
	}
	uid, ok := r.UID()
	if r.Message() != "one\ntwo" || r.Priority() != journal.Error || uid != 1000 || !ok || r.Unit() != "shop.service" {
		t.Errorf("%q, %v, %d, %q", r.Message(), r.Priority(), uid, r.Unit())
	}
	if _, found := r.Fields["__CURSOR"]; found || len(r.Fields) != 4 {
		t.Errorf("fields: %q", r.Fields)
	}
	var none journal.Record
	if _, ok := none.UID(); ok || none.Message() != "" || none.Priority() != journal.Info || none.Get("X") != "" {
		t.Error("a record of nothing says something")
	}
	for level, want := range map[string]journal.Priority{"0": journal.Emergency, "7": journal.Debug, "8": journal.Info, "": journal.Info, "33": journal.Info, "x": journal.Info} {
		if got := (journal.Record{Fields: map[string][]string{"PRIORITY": {level}}}).Priority(); got != want {
			t.Errorf("PRIORITY=%q is %d, want %d", level, got, want)
		}
	}
}

func TestALineThatIsNoRecordIsLeftOutAndNoOther(t *testing.T) {
	good := `{"__CURSOR":"s=1;i=1","N":"1"}` + "\n"
	for _, bad := range []string{
		"-- Boot 0123456789abcdef --", "x", "null", "[]", "{", "{}", `{"A"}`, `{"A":}`, `{"A":"b"}`, `{"A":1,"__CURSOR":"s=1;i=1"}`, `{"A":true}`,
		`{"A":{"B":"c"}}`, `{"A":[256],"__CURSOR":"x"}`, `{"A":[-1]}`, `{"A":[1,]}`, `{"A":[1,"b"]}`, `{"A":["b",1]}`, `{"A":[[["b"]]]}`, `{"A":["b"`, `{"A":[1`,
		`{"A":nul}`, `{"A":nuts}`, `{"A":"b`, `{"A":"\x"}`, `{"A":"\u12g4"}`, `{"A":"b",}`, `{"A":"b";"C":"d"}`, `{"__CURSOR":null}`, `{"__CURSOR":""}`, `{,}`, `{1:"b"}`,
		`{"__CURSOR":"` + strings.Repeat("x", 2000) + `"}`, `{"A":"b" "C":"d"}`, strings.Repeat("x", 200_000),
	} {
		records, garbage, err := journal.ReadRecords(strings.NewReader(good+bad+"\n"+good), roomy)
		if len(records) != 2 || garbage != 1 || err != io.EOF {
			t.Errorf("%.80s: %d records, %d garbage, %v", bad, len(records), garbage, err)
		}
	}
}

func TestARecordThatBreaksOffIsNone(t *testing.T) {
	line := `{"A":"\u00e4\ud83d\ude00","B":[1,22],"C":["x",null],"__CURSOR":"s=1;i=1"}`
	for n := 1; n < len(line); n++ {
		records, garbage, err := journal.ReadRecords(strings.NewReader(line[:n]), roomy)
		if len(records) != 0 || garbage != 0 || err != io.ErrUnexpectedEOF {
			t.Errorf("%s: %d records, %d garbage, %v", line[:n], len(records), garbage, err)
		}
	}
	if records := read(t, line, roomy); len(records) != 1 {
		t.Errorf("whole but for its line break: %d records", len(records))
	}
	broken := errors.New("broken")
	if _, _, err := journal.ReadRecords(io.MultiReader(strings.NewReader(line[:9]), iotest.ErrReader(broken)), roomy); err != broken {
		t.Errorf("a pipe that breaks: %v", err)
	}
}

func TestALongValueIsCutAndTheRestIsRead(t *testing.T) {
	long := strings.Repeat("ä", 1000) // 2 bytes each
	for _, story := range []struct {
		json string
		kept int
	}{
		{`"` + long + `"`, 500},
		{`"` + strings.Repeat(`\u00e4`, 1000) + `"`, 500},
		{"[" + strings.Repeat("7,", 1999) + "7]", 501},
	} {
		r := read(t, `{"F":`+story.json+`,"__CURSOR":"s=1;i=1","G":"more","_UID":"0","_L":"`+long+`"}`, 501)[0]
		if len(r.Get("F")) != story.kept || !r.Truncated || r.Cursor != "s=1;i=1" {
			t.Errorf("%d bytes kept, not %d; truncated %v; %q", len(r.Get("F")), story.kept, r.Truncated, r.Cursor)
		}
		if story.kept == 501 && r.Get("G") != "" {
			t.Errorf("more than 501 bytes are kept: %q", r.Get("G"))
		}
		if r.Get("_UID") != "0" || len(r.Get("_L")) != 500 {
			t.Errorf("the sender's fields pushed out journald's: %q", r.Get("_UID"))
		}
	}
	if r := read(t, `{"F":"12345","__CURSOR":"s=1;i=1"}`, 5)[0]; r.Truncated || r.Get("F") != "12345" {
		t.Errorf("what fits is cut: %+v", r)
	}
}

// endless is an output with a value that does not fit into any memory.
func endless(size int64) io.Reader {
	head, tail := `{"F":["`, `"],"__CURSOR":"s=1;i=1","B":[1,2]}`+"\n"
	return io.MultiReader(strings.NewReader(head), io.LimitReader(repeated(bytes.Repeat([]byte("x"), 4096)), size), strings.NewReader(tail))
}

type repeated []byte

func (r repeated) Read(p []byte) (int, error) { return copy(p, r), nil }

func TestAHugeEntryTakesNoMemory(t *testing.T) {
	var records []journal.Record
	allocated := testing.AllocsPerRun(1, func() {
		var err error
		if records, _, err = journal.ReadRecords(endless(16<<20), 4<<10); err != io.EOF {
			t.Error(err)
		}
	})
	if len(records) != 1 || records[0].Get("B") != "" || len(records[0].Get("F")) != 4<<10 || !records[0].Truncated {
		t.Fatalf("%d records: %+v", len(records), records)
	}
	if allocated > 100 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestManyValuesAreBounded(t *testing.T) {
	line := `{"F":[""` + strings.Repeat(`,""`, 5000) + `],"__CURSOR":"s=1;i=1"}`
	if r := read(t, line, roomy)[0]; len(r.Fields["F"]) != 2048 || !r.Truncated || r.Cursor == "" {
		t.Errorf("%d values, truncated %v", len(r.Fields["F"]), r.Truncated)
	}
	line = `{"` + strings.Repeat("N", 65) + `":"x","":"y","__CURSOR":"s=1;i=1"}`
	if r := read(t, line, roomy)[0]; len(r.Fields) != 0 || !r.Truncated {
		t.Errorf("names that cannot be: %q", r.Fields)
	}
}

func TestGarbageIsToldAtMostOnceAMinute(t *testing.T) {
	var at []time.Time
	for i := range 100 {
		at = append(at, time.Unix(1000+int64(i), 0))
	}
	told := journal.GarbageTold(at)
	if len(told) != 2 || !strings.HasSuffix(told[0], "no reason") || !strings.HasSuffix(told[1], "(and 59 others since the last)") {
		t.Errorf("told %q", told)
	}
}
