package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestAnEntryComesBackAsItWasPublished(t *testing.T) {
	s := opened(t, &spool.Spool{})
	at := time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC)
	e := &spool.Entry{
		Received: at, Method: "POST", URI: "/hook?a=\xff\x00", Host: "example.org:80", RemoteAddr: "[::1]:9", Proto: "HTTP/1.1",
		Header: http.Header{"X-Twice": {"one", "two\x80"}, "X-None": {}, "X-Empty": {""}},
	}
	if err := s.Publish(t.Context(), e, strings.NewReader("body")); err != nil {
		t.Fatal(err)
	}
	if len(e.ID) != 32 || e.Size != 4 {
		t.Errorf("ID %q and Size %d, want 32 digits and 4", e.ID, e.Size)
	}
	got, bodies := consume(t, s, 1)
	got[0].Body = nil
	if !reflect.DeepEqual(got[0], *e) {
		t.Errorf("published\n%+v\ndelivered\n%+v", *e, got[0])
	}
	if bodies[0] != "body" {
		t.Errorf("body %q", bodies[0])
	}
}

func TestBodiesOfEveryLengthComeBackWhole(t *testing.T) {
	t.Parallel()
	const row = 65496
	s := opened(t, &spool.Spool{})
	var want []string
	for _, n := range []int{0, 1, 4095, 4096, 4097, row - 1, row, row + 1, 2*row - 1, 2 * row, 2*row + 1, 3 * row, 6 * row, 6*row + 1,
		14 * row, 30*row - 1, 30 * row, 3 << 20} {
		want = append(want, words(n))
		publish(t, s, words(n))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	entries, bodies := consume(t, s, len(want))
	for i, b := range bodies {
		if b != want[i] || entries[i].Size != int64(len(want[i])) {
			t.Errorf("a body of %d bytes came back with %d (Size %d)", len(want[i]), len(b), entries[i].Size)
		}
	}
}

func TestABodyCanBeReadSeveralTimesWhileItIsHandledAndNotLater(t *testing.T) {
	for _, n := range []int{10, 200 << 10} {
		s := opened(t, &spool.Spool{})
		publish(t, s, words(n))
		ctx, cancel := context.WithCancel(t.Context())
		var late io.Reader
		_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
			cancel()
			late = e.Body()
			if read(t, e.Body()) != words(n) || read(t, iotest.OneByteReader(e.Body())) != words(n) {
				t.Error("the bodies differ")
			}
			return iotest.TestReader(e.Body(), []byte(words(n)))
		})
		if _, err := late.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("a body of %d bytes read too late: %v", n, err)
		}
	}
}

func TestABodyThatFailsIsNotStored(t *testing.T) {
	for _, n := range []int{0, 10, 1 << 20} {
		for _, failure := range []error{io.ErrUnexpectedEOF, errors.New("broken")} {
			s := opened(t, &spool.Spool{})
			body := io.MultiReader(strings.NewReader(words(n)), iotest.ErrReader(failure))
			e := &spool.Entry{}
			if err := s.Publish(t.Context(), e, body); !errors.Is(err, failure) || e.ID != "" {
				t.Errorf("after %d bytes: %v, ID %q", n, err, e.ID)
			}
			empties(t, s)
		}
	}
}

// empties waits until nothing is stored any more.
func empties(t testing.TB, s *spool.Spool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		st := s.Stats()
		if st.Bytes == 0 && st.Waiting+st.Working+st.Dead == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it does not become empty: %+v", st)
		}
	}
}

func TestABodyThatPanicsLeavesNothing(t *testing.T) {
	s := opened(t, &spool.Spool{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_ = s.Publish(t.Context(), &spool.Entry{}, io.MultiReader(strings.NewReader(words(1<<20)), panics{}))
	}()
	empties(t, s)
}

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("no") }

func TestAContextThatEndsEndsAPublish(t *testing.T) {
	s := opened(t, &spool.Spool{})
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the client has left")
	read := 0
	err := s.Publish(ctx, &spool.Entry{}, readerFunc(func(b []byte) (int, error) {
		if read += len(b); read > 1<<20 {
			cancel(left)
		}
		return len(b), nil
	}))
	if err != left {
		t.Errorf("it says %v", err)
	}
	empties(t, s)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestAnIDOfOnesOwnIsTakenOnce(t *testing.T) {
	s := opened(t, &spool.Spool{})
	if err := s.Publish(t.Context(), &spool.Entry{ID: "mine"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), &spool.Entry{ID: "mine"}, strings.NewReader(words(1<<20))); !errors.Is(err, spool.ErrExists) {
		t.Errorf("the second time: %v", err)
	}
	consume(t, s, 1)
	empties(t, s)
	if err := s.Publish(t.Context(), &spool.Entry{ID: "mine"}, nil); err != nil {
		t.Errorf("after the first is gone: %v", err)
	}
}

func TestAHeadThatIsTooLargeIsRefused(t *testing.T) {
	s := opened(t, &spool.Spool{})
	for _, e := range []*spool.Entry{
		{ID: words(spool.MaxID + 1)},
		{URI: words(spool.MaxHead)},
		{Header: http.Header{"A": {words(spool.MaxHead / 2), words(spool.MaxHead / 2)}}},
	} {
		if err := s.Publish(t.Context(), e, nil); !errors.Is(err, spool.ErrTooLarge) {
			t.Errorf("%v", err)
		}
	}
	if err := s.Publish(t.Context(), &spool.Entry{ID: words(spool.MaxID), URI: words(spool.MaxHead - 100)}, nil); err != nil {
		t.Errorf("just small enough: %v", err)
	}
	if e, _ := consume(t, s, 1); e[0].URI != words(spool.MaxHead-100) {
		t.Error("it came back otherwise")
	}
}

func TestManyPublishAtATimeAndAllIsThereInTheOrderOfCommits(t *testing.T) {
	t.Parallel()
	const publishers, each = 32, 40
	s := opened(t, &spool.Spool{})
	var all sync.WaitGroup
	for p := range publishers {
		all.Go(func() {
			for i := range each {
				body := fmt.Sprint(p, " ", i)
				if i%10 == 0 {
					body += words(300 << 10)
				}
				publish(t, s, body)
			}
		})
	}
	all.Wait()
	entries, bodies := consume(t, s, publishers*each)
	next, ids := make([]int, publishers), map[string]bool{}
	for i, b := range bodies {
		var p, n int
		fmt.Sscan(b[:min(20, len(b))], &p, &n)
		if want := fmt.Sprint(p, " ", next[p]); !strings.HasPrefix(b, want) {
			t.Fatalf("publisher %d: %.20q, want %q", p, b, want)
		}
		next[p]++
		ids[entries[i].ID] = true
	}
	if len(ids) != publishers*each {
		t.Errorf("%d different IDs of %d", len(ids), publishers*each)
	}
	st := s.Stats()
	if st.Published != publishers*each || st.Acknowledged != publishers*each {
		t.Errorf("%+v", st)
	}
	empties(t, s)
}

func TestThoseWhoPublishWhileACommitIsGoingOnShareTheNext(t *testing.T) {
	s := opened(t, &spool.Spool{})
	publish(t, s, "x")
	before := s.Commits()
	release := s.Stall()
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { publish(t, s, "x") })
	}
	for s.Line() < 64 {
		time.Sleep(time.Millisecond)
	}
	release()
	all.Wait()
	if n := s.Commits() - before; n != 2 { // the one that was going on, and one for all
		t.Errorf("%d commits for 64 entries", n)
	}
}

func TestWhoGivesUpBeforeItsCommitHasStoredNothing(t *testing.T) {
	s := opened(t, &spool.Spool{})
	release := s.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Publish(ctx, &spool.Entry{}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it says %v", err)
	}
	release()
	publish(t, s, "x")
	if st := s.Stats(); st.Waiting != 1 {
		t.Errorf("%+v", st)
	}
}
