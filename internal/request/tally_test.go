package request_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/request"
)

func TestACallThatWasNoneIsForgotten(t *testing.T) {
	new(request.Call).Forget() // one that has not begun
	rec := &request.Record{Context: t.Context()}
	first := &request.Call{Backend: "mysql", Statement: "SELECT ?"}
	second := &request.Call{Backend: "mysql", Statement: "SELECT ?"}
	third := &request.Call{Backend: "mysql", Statement: "DELETE"}
	for _, c := range []*request.Call{first, second, third} {
		rec.Begin(c)
	}
	second.Forget()
	third.Forget()
	third.Forget()
	got := rec.Backends()[0]
	if got.Calls != 1 || len(got.Running) != 1 || len(got.Statements) != 1 || got.Statements[0].Calls != 1 {
		t.Errorf("%+v, want the first call only", got)
	}
	first.End(time.Second, request.Done)
	if got := rec.Backends()[0]; got.Calls != 1 || got.Time != time.Second || len(got.Running) != 0 {
		t.Errorf("%+v, want the first call ended", got)
	}
}

func TestACallKnowsWhichItIsHoweverCallsOverlap(t *testing.T) {
	rec := &request.Record{Context: t.Context()}
	begin := func(backend, statement string) *request.Call {
		c := &request.Call{Backend: backend, Statement: statement}
		rec.Begin(c)
		return c
	}
	begin("mysql", "SELECT ?") // and hangs
	begin("redis", "")
	for range 20 {
		begin("mysql", "SELECT ?").End(time.Second, request.Done)
	}
	none := begin("mysql", "SELECT ?")
	begin("mysql", "DELETE")
	begin("mysql", "SELECT ?")
	begin("mysql", "")
	none.Forget()
	want := []request.Running{{"SELECT ?", 0, 1, 0}, {"DELETE", 0, 22, 0}, {"SELECT ?", 0, 23, 21}, {"", 0, 24, 0}}
	got := rec.Backends()
	if !slices.Equal(got[0].Running, want) || got[0].Calls != 24 {
		t.Errorf("of %d calls %+v run, want %+v", got[0].Calls, got[0].Running, want)
	}
	if got[1].Running[0].Number != 1 {
		t.Errorf("the first call to the other is %+v", got[1].Running[0])
	}
	for range 20 {
		begin("mysql", "")
	}
	if got := rec.Backends()[0]; len(got.Running) != 10 || got.MoreRunning != 14 {
		t.Errorf("%d run and %d more, want 10 and 14", len(got.Running), got.MoreRunning)
	}
}

func TestTheBackendThatTakesLongestIsTheRefusal(t *testing.T) {
	rec := new(request.Record)
	if _, _, ok := rec.Refusal(); ok {
		t.Error("a refusal where there was none")
	}
	rec.Refuse("mysql", time.Hour)
	rec.Unavailable("redis", time.Minute)
	rec.Need(func() (string, time.Duration, bool) { return "ldap", 2 * time.Hour, false })
	if name, left, ok := rec.Refusal(); name != "mysql" || left > time.Hour || left < time.Hour-time.Minute || !ok {
		t.Errorf("%s for %v, %v, want mysql", name, left, ok)
	}
	inner := &request.Record{Outer: rec}
	inner.Need(func() (string, time.Duration, bool) { return "memcached", 3 * time.Hour, true })
	if name, left, _ := rec.Refusal(); name != "memcached" || left != 3*time.Hour {
		t.Errorf("%s for %v, want memcached", name, left)
	}
}

func TestARefusalCanBeCountedWithoutBlame(t *testing.T) {
	var none *request.Record
	none.CountRefused("avatars")
	rec := new(request.Record)
	(&request.Record{Outer: rec}).CountRefused("avatars")
	if _, _, ok := rec.Refusal(); ok {
		t.Error("the request could not have what it may not need")
	}
	if b := rec.Backends(); len(b) != 1 || b[0].Name != "avatars" || b[0].Refused != 1 {
		t.Errorf("%+v, want one refusal of avatars", b)
	}
	rec.Unavailable("mysql", time.Minute)
	rec.CountRefused("mysql")
	if name, _, ok := rec.Refusal(); !ok || name != "mysql" {
		t.Error("a count makes up for what was missing")
	}
}

func TestTheTallyIsBounded(t *testing.T) {
	const most = 50
	rec := &request.Record{Context: t.Context()}
	for i := range 20 * most {
		name := strconv.Itoa(i)
		call := &request.Call{Backend: name, Statement: "GET"}
		rec.Begin(call)
		rec.Refuse(name, time.Minute)
		call.End(time.Second, request.Failed)
		rec.CountRefused(name)
		other := &request.Call{Backend: name}
		rec.Begin(other)
		other.Forget()
	}
	got := rec.Backends()
	if len(got) != most {
		t.Fatalf("%d backends, want %d", len(got), most)
	}
	if b := got[most-1]; b.Calls != 1 || b.Errors != 1 || b.Refused != 2 || len(b.Running) != 0 {
		t.Errorf("the last one: %+v", b)
	}
	rec.Refuse("0", time.Hour)
	if got := rec.Backends()[0]; got.Refused != 3 {
		t.Errorf("%+v, want it counted on", got)
	}
}

func TestABackendThatDoesItsPartAfterAllIsNoRefusal(t *testing.T) {
	rec := new(request.Record)
	rec.Unavailable("mysql", time.Minute)
	for _, story := range []struct {
		result request.Result
		gone   bool
	}{{request.Failed, true}, {request.Unknown, true}, {request.Done, false}} {
		call := &request.Call{Backend: "mysql"}
		rec.Begin(call)
		call.End(time.Second, story.result)
		if _, _, gone := rec.Refusal(); gone != story.gone {
			t.Errorf("after result %d it is gone: %v, want %v", story.result, gone, story.gone)
		}
	}
	if b := rec.Backends()[0]; b.Calls != 3 || b.Errors != 1 || b.Time != 3*time.Second {
		t.Errorf("%+v", b)
	}
}
