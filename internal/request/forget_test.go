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
	first.End(time.Second, false)
	if got := rec.Backends()[0]; got.Calls != 1 || got.Time != time.Second || len(got.Running) != 0 {
		t.Errorf("%+v, want the first call ended", got)
	}
}
