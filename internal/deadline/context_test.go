package deadline_test

import (
	"context"
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
