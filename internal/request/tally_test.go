package request_test

import (
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
