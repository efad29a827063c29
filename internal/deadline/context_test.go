package deadline_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/heeler-go/heeler/internal/deadline"
)

func TestWhatIsStoppedIsNotCalledWhenTheContextEnds(t *testing.T) {
	const n = 4
	for choice := range 2 << n { // of those that are stopped, from either end
		mask, back := choice>>1, choice&1 == 1
		c := &deadline.Context{Parent: t.Context(), Until: deadline.Never}
		var called, want []int
		var stops [n]func() bool
		for i := range n {
			stops[i] = c.AfterFunc(func() { called = append(called, i) })
		}
		for i := range n {
			if back {
				i = n - 1 - i
			}
			if mask>>i&1 == 0 {
				want = append(want, i)
			} else if !stops[i]() || stops[i]() {
				t.Errorf("%04b: number %d is not to be stopped just once", mask, i)
			}
		}
		c.Cancel()
		slices.Sort(called)
		if slices.Sort(want); !slices.Equal(called, want) {
			t.Errorf("%04b: called %v, want %v", mask, called, want)
		}
		for i, stop := range stops {
			if stop() {
				t.Errorf("%04b: number %d can be stopped when all is over", mask, i)
			}
		}
	}
}

func TestWhatComesAfterTheEndIsCalledAtOnce(t *testing.T) {
	c := &deadline.Context{Parent: t.Context(), Until: deadline.Never}
	c.Cancel()
	called := make(chan struct{})
	stop := context.AfterFunc(c, func() { close(called) })
	<-called
	if stop() {
		t.Error("what has been called can be stopped")
	}
}

func TestAContextThatYieldsIsItsParent(t *testing.T) {
	over := errors.New("over")
	parent, end := context.WithCancelCause(t.Context())
	c := &deadline.Context{Parent: parent, Until: deadline.Now()}
	c.Yield()
	if _, ok := c.Deadline(); ok {
		t.Error("there is a deadline")
	}
	var called [2]chan struct{}
	for i, ctx := range []context.Context{c, parent} {
		called[i] = make(chan struct{})
		context.AfterFunc(ctx, func() { close(called[i]) })
	}
	direct := make(chan struct{})
	c.AfterFunc(func() { close(direct) })
	canceled := make(chan struct{})
	if stop := c.AfterFunc(func() { close(canceled) }); !stop() {
		t.Error("what waits cannot be stopped")
	}
	c.Cancel()
	if c.Done() != parent.Done() || c.Err() != nil {
		t.Errorf("its owner has ended it: %v", c.Err())
	}
	end(over)
	<-called[0]
	<-called[1]
	<-direct
	if c.Err() != context.Canceled || context.Cause(c) != over {
		t.Errorf("it ends with %v because of %v", c.Err(), context.Cause(c))
	}
	select {
	case <-canceled:
		t.Error("what was stopped is called")
	default:
	}
}

func TestAContextThatSomebodyWaitsForDoesNotYield(t *testing.T) {
	for name, ask := range map[string]func(*deadline.Context){
		"Done":      func(c *deadline.Context) { c.Done() },
		"AfterFunc": func(c *deadline.Context) { c.AfterFunc(func() {}) },
		"Cancel":    func(c *deadline.Context) { c.Cancel() },
	} {
		c := &deadline.Context{Parent: t.Context(), Until: deadline.Never}
		ask(c)
		c.Yield()
		done := c.Done()
		c.Cancel()
		select {
		case <-done:
		default:
			t.Errorf("%s: it goes on when its owner has ended it", name)
		}
	}
}
