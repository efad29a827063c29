package summary

import (
	"fmt"
	"path"
	"strings"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/fingerprint"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
)

const (
	maxName      = 100     // characters of a function, a file, a backend or a pause
	maxStatement = 200     // characters of a statement
	maxPanic     = 300     // characters of what a handler panicked with
	maxRead      = 4 << 10 // bytes of a statement that are looked at: secrets are searched for at some 80 ns a byte
)

// A teller puts into words what is in an execution. It remembers them, for stacks and statements repeat.
type teller struct {
	program    stacks.Program
	secrets    redact.List
	places     map[*exectrace.Stack]place
	words      map[doing]string
	wakers     map[exectrace.Waker]string
	names      map[string]string // of backends
	statements map[string]string
}

type doing struct {
	state exectrace.State
	stack *exectrace.Stack
}

// A place is where a stack is.
type place struct {
	name    string // the function; "" if it is not known
	where   string // the application's own line; "" if there is none
	purpose string // what is waited for there, if the stack tells
	pool    string // whose goroutine it is, if it is a known pool's
}

func newTeller(program stacks.Program, secrets redact.List) *teller {
	return &teller{
		program: program, secrets: secrets,
		places:     map[*exectrace.Stack]place{nil: {}},
		words:      map[doing]string{},
		wakers:     map[exectrace.Waker]string{},
		names:      map[string]string{},
		statements: map[string]string{},
	}
}

func (t *teller) place(s *exectrace.Stack) place {
	p, ok := t.places[s]
	if !ok {
		p = t.find(s)
		t.places[s] = p
	}
	return p
}

func (t *teller) find(s *exectrace.Stack) (p place) {
	if len(s.Frames) == 0 {
		return p
	}
	frames := make([]stacks.Frame, len(s.Frames))
	for i, f := range s.Frames {
		frames[i] = stacks.Frame{Func: f.Func, File: f.File, Line: f.Line}
	}
	f, app := t.program.Innermost(frames)
	p.name = function(f.Func)
	p.purpose = stacks.Purpose(frames)
	p.pool = stacks.PoolOf(frames[len(frames)-1].Func)
	if app && f.File != "" {
		dir, file := path.Split(strings.ReplaceAll(f.File, `\`, "/"))
		p.where = alert.OneLine(path.Join(path.Base(dir), file), maxName)
		if f.Line > 0 {
			p.where += fmt.Sprintf(":%d", f.Line)
		}
	}
	return p
}

// function is a function's name, fit to be shown.
func function(fn string) string { return alert.OneLine(stacks.Short(fn), maxName) }

// share names what a step of the path is spent on.
func (t *teller) share(s exectrace.Step) string {
	switch s.State {
	case exectrace.Running, exectrace.Assist, exectrace.Runnable, exectrace.GC:
		return word(s.State, s.Stack, "")
	}
	if s.Call != nil {
		return "waiting for " + t.backend(s.Call.Backend)
	}
	return t.doing(s.Interval)
}

// doing says what a goroutine does in an interval, and where.
func (t *teller) doing(i exectrace.Interval) string {
	key := doing{i.State, i.Stack}
	words, ok := t.words[key]
	if !ok {
		p := t.place(i.Stack)
		if words = word(i.State, i.Stack, p.purpose); p.name != "" {
			words += " in " + p.name
		}
		t.words[key] = words
	}
	return words
}

// word says what a state is. The purpose, if any, says more of a wait than its state.
func word(state exectrace.State, s *exectrace.Stack, purpose string) string {
	leaf := ""
	if s != nil && len(s.Frames) > 0 {
		leaf = s.Frames[0].Func
	}
	switch state {
	case exectrace.Running:
		return "CPU"
	case exectrace.Assist, exectrace.GC:
		return "garbage collector"
	case exectrace.Runnable:
		return "waiting for a processor"
	case exectrace.Sleep:
		return "asleep"
	case exectrace.Lock:
		switch leaf {
		case "sync.(*WaitGroup).Wait":
			return "waiting for a WaitGroup"
		case "sync.(*Cond).Wait":
			return "waiting on a condition"
		}
		return "lock"
	case exectrace.Channel:
		switch {
		case strings.HasPrefix(leaf, "runtime.chanrecv"):
			return "receiving from a channel"
		case strings.HasPrefix(leaf, "runtime.chansend"):
			return "sending to a channel"
		}
		return "channel"
	}
	switch {
	case purpose != "":
		return purpose
	case state == exectrace.Network:
		return "waiting for the network"
	case state == exectrace.Select:
		return "select"
	case state == exectrace.Syscall && leaf == "runtime.cgocall":
		return "C code"
	case state == exectrace.Syscall:
		return "system call"
	}
	return "waiting"
}

// waker says who ended a wait; nothing if that is not known.
func (t *teller) waker(w *exectrace.Waker) string {
	if w == nil {
		return ""
	}
	words, ok := t.wakers[*w]
	if ok {
		return words
	}
	p := t.place(w.Stack)
	switch {
	case p.pool != "":
		words = p.pool + ", "
	case p.name != "":
		words = p.name + ", "
	}
	words += fmt.Sprintf("goroutine %d", w.ID)
	if !w.Own {
		words += ", not of this request"
	}
	t.wakers[*w] = words
	return words
}

// backend is a backend's name, never empty.
func (t *teller) backend(name string) string {
	shown, ok := t.names[name]
	if !ok {
		if shown = alert.OneLine(t.secrets.Text(name), maxName); shown == "" {
			shown = "an unnamed backend"
		}
		t.names[name] = shown
	}
	return shown
}

// statement is one without its values, which whoever made the call has cut out, and without what looks
// secret all the same.
func (t *teller) statement(text string) string {
	shown, ok := t.statements[text]
	if !ok {
		shown = text
		if len(text) > maxRead {
			// A secret may have been cut in two, and not be known as one.
			shown = text[:maxRead]
			shown = shown[:strings.LastIndexAny(shown, " ,(")+1]
		}
		shown = alert.OneLine(fingerprint.Redacted(shown, t.secrets), maxStatement)
		t.statements[text] = shown
	}
	return shown
}
