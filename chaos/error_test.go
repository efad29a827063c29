package chaos_test

import (
	"bytes"
	"testing"

	"github.com/heeler-go/heeler/chaos"
)

// fates asks a behavior about a number of requests of one connection.
func fates(b chaos.Behavior, n int) (all []chaos.Fate) {
	for i := range uint64(n) {
		e := chaos.Event{Moment: chaos.Request, Conn: 1, Request: i + 1, Seen: i, Requests: true}
		all = append(all, struck(b, e).Fate)
	}
	return all
}

func TestTheFirstRequests(t *testing.T) {
	good, bad := chaos.Pass, chaos.Deny
	tests := []struct {
		behavior chaos.Behavior
		want     [5]chaos.Fate
	}{
		{chaos.Error{}, [5]chaos.Fate{bad, bad, bad, bad, bad}},
		{chaos.Error{Warmup: 2}, [5]chaos.Fate{good, good, bad, bad, bad}},
		{chaos.Error{Inject: true}, [5]chaos.Fate{good, good, good, good, good}},
		{chaos.Transient{Agitate: 3}, [5]chaos.Fate{bad, bad, bad, good, good}},
		{chaos.Transient{Agitate: 3, Error: chaos.Error{Warmup: 1}}, [5]chaos.Fate{good, bad, bad, good, good}},
	}
	for _, test := range tests {
		if got := fates(test.behavior, 5); [5]chaos.Fate(got) != test.want {
			t.Errorf("%+v: %v, want %v", test.behavior, got, test.want)
		}
	}
}

// What passes after a request has been seen belongs to it.
func TestInjectionWaitsForTheWarmup(t *testing.T) {
	tests := []struct {
		behavior chaos.Behavior
		seen     uint64
		want     bool
	}{
		{chaos.Error{Inject: true}, 0, true}, // a greeting
		{chaos.Error{Inject: true, Warmup: 1}, 0, false},
		{chaos.Error{Inject: true, Warmup: 1}, 1, false},
		{chaos.Error{Inject: true, Warmup: 1}, 2, true},
		{chaos.Transient{Agitate: 1, Error: chaos.Error{Inject: true}}, 0, true},
		{chaos.Transient{Agitate: 1, Error: chaos.Error{Inject: true}}, 1, true},
		{chaos.Transient{Agitate: 1, Error: chaos.Error{Inject: true}}, 2, false},
	}
	for _, test := range tests {
		e := struck(test.behavior, chaos.Event{Moment: chaos.Write, Seen: test.seen, Data: []byte("answer")})
		if got := len(e.Data) > len("answer"); got != test.want {
			t.Errorf("%+v, %d requests seen: injected is %v, want %v", test.behavior, test.seen, got, test.want)
		}
	}
}

func TestInjectionKeepsTheBytesAroundIt(t *testing.T) {
	said := []byte("all these bytes belong to the answer")
	for _, take := range []int{0, 8, 36, 99} {
		e := struck(chaos.Error{Inject: true}, chaos.Event{Moment: chaos.Write, Conn: 1, Data: said, Take: take})
		middle := len(said) / 2
		if take == 8 {
			middle = 4
		}
		if len(e.Data) != len(said)+100 || !bytes.HasPrefix(e.Data, said[:middle]) || !bytes.HasSuffix(e.Data, said[middle:]) {
			t.Errorf("take %d: %q", take, e.Data)
		}
		if take > 0 && e.Take != take+100 {
			t.Errorf("take %d becomes %d: without what was put in", take, e.Take)
		}
	}
	if e := struck(chaos.Error{Inject: true}, chaos.Event{Moment: chaos.Write, Data: said, Take: -1}); len(e.Data) != len(said) {
		t.Error("bytes are put into what cannot go")
	}
	if string(said) != "all these bytes belong to the answer" {
		t.Error("the caller's bytes have changed")
	}
}

func TestAnErrorSaysWhatItWasTold(t *testing.T) {
	request := chaos.Event{Moment: chaos.Request, Conn: 1, Request: 1, Requests: true}
	e := struck(chaos.Error{Code: "1213", Message: "deadlock"}, request)
	if e.Why.Code != "1213" || e.Why.Message != "deadlock" || e.Reply != nil {
		t.Errorf("%+v, reply %q", e.Why, e.Reply)
	}
	request.Request = 2
	if other := struck(chaos.Error{}, request); other.Why.Pick == e.Why.Pick {
		t.Error("each request picks the same error")
	}
}

func TestWithoutAProtocolTheErrorIsNoise(t *testing.T) {
	said := chaos.Event{Moment: chaos.Request, Conn: 1, Request: 1}
	once, again := struck(chaos.Error{}, said), struck(chaos.Error{}, said)
	said.Conn = 2
	other := struck(chaos.Error{}, said)
	if len(once.Reply) != 1000 || !bytes.Equal(once.Reply, again.Reply) || bytes.Equal(once.Reply, other.Reply) {
		t.Errorf("replies of %d, %d and %d bytes: the seed does not decide them", len(once.Reply), len(again.Reply), len(other.Reply))
	}
}
