package request_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime/trace"
	"strconv"
	"strings"
	"testing"
	"time"

	exptrace "golang.org/x/exp/trace"

	"github.com/heeler-go/heeler/internal/request"
)

// A logged is what a trace says of a call, or of another log.
type logged struct {
	at        time.Duration // since the first one
	goroutine exptrace.GoID
	category  string
	message   string
}

// traced runs f and reads what was logged in the meantime.
func traced(t *testing.T, f func()) (logs []logged) {
	t.Helper()
	var buf bytes.Buffer
	if err := trace.Start(&buf); err != nil {
		t.Skipf("another trace is being taken: %v", err) // of the tests themselves
	}
	func() {
		defer trace.Stop()
		f()
	}()
	r, err := exptrace.NewReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	var first exptrace.Time
	for {
		event, err := r.ReadEvent()
		if errors.Is(err, io.EOF) {
			return logs
		}
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind() != exptrace.EventLog {
			continue
		}
		if len(logs) == 0 {
			first = event.Time()
		}
		log := event.Log()
		logs = append(logs, logged{event.Time().Sub(first), event.Goroutine(), log.Category, log.Message})
	}
}

func TestATraceShowsEachCallWhenItWas(t *testing.T) {
	rec := &request.Record{Context: t.Context()}
	first := &request.Call{Backend: "mysql", Statement: `SELECT "ü" FROM t WHERE a = ?`}
	second, none := &request.Call{Backend: "redis: 1"}, &request.Call{Backend: "mysql"}
	const nap = 20 * time.Millisecond
	logs := traced(t, func() {
		rec.Begin(first)
		done := make(chan struct{})
		go func() {
			defer close(done)
			rec.Begin(second)
			rec.Begin(none)
			none.Forget()
		}()
		<-done
		time.Sleep(nap)
		first.End(time.Second, request.Done)
		first.End(time.Second, request.Done) // which ends nothing more
		second.End(time.Second, request.Failed)
	})
	want := []struct{ category, backend, statement string }{
		{request.TraceCall, "mysql", `SELECT "ü" FROM t WHERE a = ?`},
		{request.TraceCall, "redis: 1", ""},
		{request.TraceCall, "mysql", ""},
		{request.TraceDone, "2", ""},
		{request.TraceDone, "0", ""},
		{request.TraceDone, "1", ""},
	}
	if len(logs) != len(want) {
		t.Fatalf("%d logs, want %d: %+v", len(logs), len(want), logs)
	}
	var numbers []uint64
	for i, log := range logs {
		if log.category != want[i].category {
			t.Fatalf("log %d: %q, want %q", i, log.category, want[i].category)
		}
		if log.category == request.TraceDone {
			begun, _ := strconv.Atoi(want[i].backend)
			if number, ok := request.ParseTraceDone(log.message); !ok || number != numbers[begun] {
				t.Errorf("log %d: %q, want the end of call %d", i, log.message, numbers[begun])
			}
			continue
		}
		number, backend, statement, ok := request.ParseTraceCall(log.message)
		if !ok || number == 0 || backend != want[i].backend || statement != want[i].statement {
			t.Errorf("log %d: %q, want %+v", i, log.message, want[i])
		}
		numbers = append(numbers, number)
	}
	if numbers[0] == numbers[1] || numbers[1] == numbers[2] || numbers[0] == numbers[2] {
		t.Errorf("the numbers %d are not different", numbers)
	}
	if logs[0].goroutine == logs[1].goroutine || logs[0].goroutine != logs[4].goroutine {
		t.Error("the calls are not on the goroutines that made them")
	}
	if took := logs[4].at - logs[0].at; took < nap || took > nap+5*time.Second {
		t.Errorf("the first call took %v in the trace, want a bit more than %v", took, nap)
	}
}

func TestACallForNoRequestIsInATraceToo(t *testing.T) {
	var none *request.Record
	c := &request.Call{Backend: "mysql", Statement: "SELECT ?"}
	logs := traced(t, func() {
		none.Begin(c)
		c.End(0, request.Done)
	})
	if len(logs) != 2 || logs[0].category != request.TraceCall || logs[1].category != request.TraceDone {
		t.Errorf("%+v, want its begin and its end", logs)
	}
}

func TestACallIsInATraceOnlyIfItBeganThere(t *testing.T) {
	rec := &request.Record{Context: t.Context()}
	before, forgotten := &request.Call{Backend: "before"}, &request.Call{Backend: "before"}
	rec.Begin(before)
	rec.Begin(forgotten)
	within := &request.Call{Backend: "within"}
	logs := traced(t, func() {
		before.End(0, request.Done)
		forgotten.Forget()
		rec.Begin(within)
	})
	if len(logs) != 1 || logs[0].category != request.TraceCall {
		t.Errorf("%+v, want the begin of one call", logs)
	}
	within.End(0, request.Done) // outside, where nobody is told
	if logs := traced(t, func() { rec.Begin(within); rec.Begin(before) }); len(logs) != 2 {
		t.Errorf("%+v, want two calls that are made again", logs)
	}
	before.End(0, request.Done)
	rec.Begin(before) // without a trace
	if logs := traced(t, func() { before.End(0, request.Done) }); len(logs) != 0 {
		t.Errorf("%+v, want nothing of a call that began when no trace was taken", logs)
	}
}

// The runtime cuts off a message at 1024 bytes, wherever that is.
func TestWhateverANameIsItsCallCanBeRead(t *testing.T) {
	rec := &request.Record{Context: t.Context()}
	for name, text := range map[string]string{
		"empty":        "",
		"a quote":      `"`,
		"a newline":    "a\nb",
		"long":         strings.Repeat("x", 10_000),
		"long, wide":   strings.Repeat("世", 10_000),
		"all quotes":   strings.Repeat(`"`, 10_000),
		"all escapes":  strings.Repeat("\x00", 10_000),
		"no UTF-8":     strings.Repeat("\xff", 10_000),
		"continuation": strings.Repeat("\x80", 10_000),
		"wide escapes": strings.Repeat("\U000e0001", 10_000),
	} {
		c := &request.Call{Backend: text, Statement: text}
		logs := traced(t, func() { rec.Begin(c) })
		c.Forget()
		if len(logs) != 1 {
			t.Fatalf("%s: %d logs, want 1", name, len(logs))
		}
		_, backend, statement, ok := request.ParseTraceCall(logs[0].message)
		if !ok || !strings.HasPrefix(text, backend) || !strings.HasPrefix(text, statement) {
			t.Errorf("%s: it reads %q", name, logs[0].message)
		}
		if enough := min(len(text), 30); len(backend) < enough || len(statement) < enough {
			t.Errorf("%s: of %d bytes %d and %d are left", name, len(text), len(backend), len(statement))
		}
		if strings.HasPrefix(name, "long") && (len(backend) < 290 || len(statement) < 490) {
			t.Errorf("%s: cut to %d and %d bytes, want nearly 300 and 500", name, len(backend), len(statement))
		}
	}
}

func TestAMessageThatIsNoneOfOursIsNoCall(t *testing.T) {
	for _, message := range []string{
		"", " ", "1", `1 "a"`, `1 "a" `, `1  "a" "b"`, `1 "a"  "b"`, `1 "a","b"`, `1 "a""b"`, `1 "a" "b" `, `1 "a" "b" "c"`, `0 "a" "b"`,
		`-1 "a" "b"`, `+1 "a" "b"`, `01 "a" "b"`, `1_0 "a" "b"`, `0x1 "a" "b"`, `18446744073709551616 "a" "b"`, `one "a" "b"`,
		"1 `a` \"b\"", `1 'a' "b"`, `1 a b`, `1 "a" "b`, `1 "a" "\q"`, "1 \"a\n\" \"b\"", ` 1 "a" "b"`, "1\t\"a\" \"b\"",
	} {
		if number, backend, statement, ok := request.ParseTraceCall(message); ok || number != 0 || backend != "" || statement != "" {
			t.Errorf("%q is read as call %d of %q %q", message, number, backend, statement)
		}
	}
	for _, message := range []string{"", "0", "00", "01", "-1", "+1", " 1", "1 ", "1_0", "0x1", "18446744073709551616", "one"} {
		if number, ok := request.ParseTraceDone(message); ok || number != 0 {
			t.Errorf("%q is read as the end of call %d", message, number)
		}
	}
	if number, backend, statement, ok := request.ParseTraceCall(`18446744073709551615 "a b" "\" \u00fc"`); !ok || number != 1<<64-1 || backend != "a b" || statement != `" ü` {
		t.Errorf("%d %q %q, %v", number, backend, statement, ok)
	}
}

func FuzzParseTraceCall(f *testing.F) {
	for _, message := range []string{`1 "mysql" "SELECT ?"`, `2 "" ""`, `3 "\"" "\x00\xff"`, "4 `a` 'b'", "one", ""} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		number, backend, statement, ok := request.ParseTraceCall(message)
		if !ok {
			return
		}
		again := fmt.Sprintf("%d %q %q", number, backend, statement)
		n, b, s, ok := request.ParseTraceCall(again)
		if !ok || number == 0 || n != number || b != backend || s != statement {
			t.Errorf("%q is %d %q %q, and again %d %q %q", message, number, backend, statement, n, b, s)
		}
	})
}

func TestACallThatNobodyTracesAllocatesNothing(t *testing.T) {
	rec, c := &request.Record{Context: t.Context()}, &request.Call{Backend: "mysql", Statement: "SELECT ?"}
	if trace.IsEnabled() {
		t.Skip("the tests themselves are traced")
	}
	rec.Begin(c)
	c.End(0, request.Done)
	if n := testing.AllocsPerRun(100, func() {
		rec.Begin(c)
		c.End(0, request.Done)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkCall(b *testing.B) {
	run := func(b *testing.B) {
		b.ReportAllocs()
		rec, c := &request.Record{Context: b.Context()}, &request.Call{Backend: "mysql", Statement: "SELECT ?"}
		for b.Loop() {
			rec.Begin(c)
			c.End(0, request.Done)
		}
	}
	b.Run("plain", run)
	b.Run("traced", func(b *testing.B) {
		if err := trace.Start(io.Discard); err != nil {
			b.Skip(err)
		}
		defer trace.Stop()
		run(b)
	})
}
