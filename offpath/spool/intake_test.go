package spool_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestARequestIsStoredAsItCameAndAnswered202(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		to := &shelf{}
		in := &spool.Intake{To: to}
		s := serve(in.Wrap(nil))
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		io.WriteString(z, strings.Repeat("bark ", 100))
		z.Close()
		wire := packed.String()

		r, _ := http.NewRequest("PUT", s.URL+"/hook/%2Fa?token=s3cret&b=%zz", &packed)
		r.Header.Set("Content-Encoding", "gzip")
		r.Header.Set("Content-Type", "text/plain")
		r.Header.Set("User-Agent", "collar/1.0")
		r.Header.Set("Authorization", "Bearer s3cret")
		r.Header.Set("Cookie", "session=s3cret")
		began := time.Now()
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()

		e, body := to.only(t)
		equal(t, "status", resp.StatusCode, 202)
		equal(t, "Content-Type", resp.Header.Get("Content-Type"), "application/json")
		var said struct{ ID string }
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
			t.Error(err)
		}
		equal(t, "the ID in the answer", said.ID, e.ID)
		equal(t, "the length of the ID", len(e.ID), 32)
		equal(t, "body", body, wire)
		equal(t, "Size", e.Size, int64(len(wire)))
		equal(t, "Method", e.Method, "PUT")
		equal(t, "URI", e.URI, "/hook/%2Fa?token=s3cret&b=%zz")
		equal(t, "Host", e.Host, s.Listener.Addr().String())
		equal(t, "Proto", e.Proto, resp.Proto)
		if !strings.HasPrefix(e.RemoteAddr, "127.0.0.1:") {
			t.Errorf("RemoteAddr: %q", e.RemoteAddr)
		}
		if e.Received.Before(began) || e.Received.After(time.Now()) {
			t.Errorf("Received: %v", e.Received)
		}
		want := http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}, "User-Agent": {"collar/1.0"}}
		equal(t, "the number of headers", len(e.Header), len(want))
		for name := range want {
			equal(t, name, e.Header.Get(name), want.Get(name))
		}
		equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 1})
	})
}

func TestThePublisherKnowsTheSizeBeforeIfTheClientSaysIt(t *testing.T) {
	var before []int64
	in := &spool.Intake{To: &shelf{before: func(_ context.Context, e *spool.Entry, _ io.Reader) error {
		before = append(before, e.Size)
		return nil
	}}}
	h := in.Wrap(nil)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("bark")))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", struct{ io.Reader }{strings.NewReader("bark")}))
	if want := []int64{4, 0}; !slices.Equal(before, want) {
		t.Errorf("sizes %v, want %v", before, want)
	}
}

func TestHeadersAreStoredIfTheyAreNamedAndOnlyThen(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{nil, "text/plain"},
		{[]string{}, ""},
		{[]string{"x-hub-signature-256", "AUTHORIZATION", "X-Absent"}, "sha256=1 sha256=2 Bearer s3cret"},
	} {
		to := &shelf{}
		r := httptest.NewRequest("POST", "/", nil)
		r.Header = http.Header{"Content-Type": {"text/plain"}, "X-Hub-Signature-256": {"sha256=1", "sha256=2"}, "Authorization": {"Bearer s3cret"}}
		(&spool.Intake{To: to, Header: c.names}).Wrap(nil).ServeHTTP(httptest.NewRecorder(), r)
		e, _ := to.only(t)
		var got []string
		for _, name := range []string{"Content-Type", "X-Hub-Signature-256", "Authorization"} {
			got = append(got, e.Header[name]...)
		}
		equal(t, strings.Join(c.names, ","), strings.Join(got, " "), c.want)
		if _, ok := e.Header["X-Absent"]; ok {
			t.Error("a header is stored that the request did not have")
		}
	}
}

func TestTwoRequestsHaveTwoIDs(t *testing.T) {
	to := &shelf{}
	h := (&spool.Intake{To: to}).Wrap(nil)
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	}
	if to.entries[0].ID == to.entries[1].ID {
		t.Errorf("both have %q", to.entries[0].ID)
	}
}

func TestASkippedRequestGoesByUnseen(t *testing.T) {
	to := &shelf{}
	in := &spool.Intake{To: to, Skip: func(r *http.Request) bool { return r.Method == "GET" }}
	h := in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "fine "+spool.ID(r.Context())) }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
	equal(t, "answer", w.Body.String(), "fine ")
	to.empty(t)
	equal(t, "stats", in.Stats(), spool.IntakeStats{})
}

func TestWhatIsWrongWithAnIntakeIsNamed(t *testing.T) {
	var nowhere *shelf
	for want, in := range map[string]*spool.Intake{
		"Intake.To is nil":                      {},
		"Intake.To is nil; ":                    {To: nowhere},
		`Intake.Header[1] is "X Y"`:             {To: &shelf{}, Header: []string{"Content-Type", "X Y"}},
		`Intake.Header[0] is "host"`:            {To: &shelf{}, Header: []string{"host"}},
		"Intake.MaxBody is -1":                  {To: &shelf{}, MaxBody: -1},
		"Intake.Full is 2; it must be Refuse":   {To: &shelf{}, Full: 2},
		"Intake.Timeout is -1s":                 {To: &shelf{}, Timeout: -time.Second},
		`Intake.TempDir is "/tmp", but Pass is`: {To: &shelf{}, TempDir: "/tmp"},
	} {
		err := in.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
			continue
		}
		equal(t, "Wrap panics", panicOf(func() { in.Wrap(nil) }), any(err.Error()))
	}
	for _, in := range []*spool.Intake{{To: &shelf{}, Pass: true}, {To: &shelf{}, Skip: func(*http.Request) bool { return true }}} {
		if err := in.Validate(); err != nil {
			t.Error(err)
		}
		if panicOf(func() { in.Wrap(nil) }) == nil {
			t.Error("requests are handed on to nobody, and nobody is told")
		}
	}
	var _ func(http.Handler) http.Handler = (&spool.Intake{}).Wrap
}

// panicOf is the text of what f panics with; nil if it does not.
func panicOf(f func()) (text any) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case error:
			text = v.Error()
		default:
			text = v
		}
	}()
	f()
	return nil
}
