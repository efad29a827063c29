package request_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/request"
)

func TestARecordFurtherOutLiftsTheDeadline(t *testing.T) {
	var none *request.Record
	outer := new(request.Record)
	lifting := &request.Record{Lift: true, Outer: outer}
	inner := &request.Record{Outer: lifting}
	for _, c := range []struct {
		name string
		rec  *request.Record
		want bool
	}{{"none", none, false}, {"further out", outer, false}, {"the one that lifts", lifting, true}, {"further in", inner, true}} {
		if got := c.rec.Lifted(); got != c.want {
			t.Errorf("%s: lifted is %v, want %v", c.name, got, c.want)
		}
	}
}

// A limit is that of a guard, which notes when it is lifted.
type limit struct {
	context.Context
	name  string
	order *[]string
}

func (l *limit) Value(key any) any {
	if key == (request.LimitKey{}) {
		return l
	}
	return l.Context.Value(key)
}

func (l *limit) Lift()                    { *l.order = append(*l.order, l.name) }
func (l *limit) Outside() context.Context { return l.Context }

func TestLiftTellsEveryGuardFurtherOut(t *testing.T) {
	request.Lift(t.Context()) // which comes from none

	var lifted []string
	first, second := new(watcher), new(watcher)
	outermost := &request.Record{Context: t.Context(), Watcher: first}
	outerBox := &limit{context.WithValue(outermost, valueKey{}, "outside"), "outer", &lifted}
	silent := &request.Record{Context: outerBox, Outer: outermost} // its guard watches nothing
	innerBox := &limit{silent, "inner", &lifted}
	watched := &request.Record{Context: innerBox, Outer: silent, Watcher: second}

	ctx, cancel := context.WithTimeout(context.WithValue(watched, valueKey{}, "here"), time.Hour)
	defer cancel()
	request.Lift(ctx)
	if want := []string{"inner", "outer"}; !slices.Equal(lifted, want) {
		t.Errorf("lifted are %q, want %q", lifted, want)
	}
	if first.lifted != 1 || second.lifted != 1 {
		t.Errorf("told %d and %d times, want once each", first.lifted, second.lifted)
	}
}

// As a profile does that goes on when the request has been answered: its guards
// are none of the run's, although the context has their values.
func TestWhatOnceLimitedARequestIsNotFoundInsideOfALiftedOne(t *testing.T) {
	var lifted []string
	watch := new(watcher)
	outside := &request.Record{Context: t.Context(), Watcher: watch}
	box := &limit{context.WithValue(outside, valueKey{}, "kept"), "box", &lifted}
	for name, ctx := range map[string]context.Context{"in place": box, "detached": context.WithoutCancel(box)} {
		plain := &request.Record{Context: ctx}
		if request.LimitOf(plain) != box {
			t.Errorf("%s: a record that lifts nothing hides the limit", name)
		}
		rec := &request.Record{Context: ctx, Lift: true}
		inner := &request.Record{Context: context.WithValue(rec, valueKey{}, "inner"), Outer: rec}
		if l := request.LimitOf(inner); l != nil {
			t.Errorf("%s: the limit %v is found", name, l)
		}
		if rec.Value(valueKey{}) != "kept" || request.From(rec) != rec {
			t.Errorf("%s: the request's other values are lost", name)
		}
		request.Lift(inner)
		if len(lifted) > 0 || watch.lifted > 0 {
			t.Errorf("%s: the guards outside were told", name)
		}
		closer := &limit{rec, "closer", &lifted}
		if request.LimitOf(closer) != closer {
			t.Errorf("%s: a limit that was set since is not found", name)
		}
	}
}
