package nats_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/contrib/nats"
	"github.com/heeler-go/heeler/offpath/spool"
)

func TestAnEntryComesOutAsItWentIn(t *testing.T) {
	q := start(t)
	stream := q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	in := spool.Entry{
		ID:       " \r\nNats-Rollup: all\r\n" + string(every[:200]),
		Received: time.Date(2026, 2, 3, 4, 5, 6, 789, time.UTC),
		Method:   "PO ST", URI: "/a b?x=%2F%zz&y=" + string(every), Host: "h:1\n", RemoteAddr: "[::1]:80", Proto: "HTTP/1.1 ",
		Header: http.Header{"X-Every": {string(every), "", " : "}, "": {"nameless"}, "A:B\r\n": {"1"}},
	}
	given := in
	if err := s.Publish(t.Context(), &given, strings.NewReader(string(every))); err != nil {
		t.Fatal(err)
	}
	visits := consume(t, s, always(nil), func(v []visit) bool { return s.Stats().Acknowledged == 1 })
	got := visits[0]
	equal(t, "body", got.body, string(every))
	got.entry.Body = nil
	in.Size = 256
	if !got.entry.Received.Equal(in.Received) {
		t.Errorf("Received: %v, want %v", got.entry.Received, in.Received)
	}
	got.entry.Received = in.Received
	if !reflect.DeepEqual(got.entry, in) {
		t.Errorf("came out:\n%+v, want\n%+v", got.entry, in)
	}
	raw, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name := range raw.Header {
		if name != "Nats-Msg-Id" && !strings.HasPrefix(name, "Heeler-") {
			t.Errorf("a client has made the header %q", name)
		}
	}
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Acknowledged: 1})
}

func TestWhatIsNotGivenIsMade(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	var e spool.Entry
	if err := s.Publish(t.Context(), &e, nil); err != nil {
		t.Fatal(err)
	}
	if e.ID == "" || time.Since(e.Received) > time.Minute {
		t.Errorf("%+v: no ID, or not received just now", e)
	}
	visits := consume(t, s, always(nil), func(v []visit) bool { return len(v) == 1 })
	equal(t, "ID", visits[0].entry.ID, e.ID)
	equal(t, "body", visits[0].body, "")
}

func TestTheSameIDIsStoredOnce(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	e := spool.Entry{ID: "the same"}
	if err := s.Publish(t.Context(), &e, strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	is(t, "again", s.Publish(t.Context(), &e, strings.NewReader("second")), spool.ErrExists)
	equal(t, "messages", q.count("HOOKS", "hooks"), 1)
}

func TestWhatNoMessageHoldsIsTooLarge(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	q.holds(jetstream.StreamConfig{Name: "SMALL", Subjects: []string{"small"}, MaxMsgSize: 1000})
	for name, c := range map[string]struct {
		subject string
		entry   spool.Entry
		body    io.Reader
	}{
		"its size says so":       {"hooks", spool.Entry{Size: 128<<10 + 1}, unread{t}},
		"longer than a message":  {"hooks", spool.Entry{}, strings.NewReader(strings.Repeat("x", 128<<10+1))},
		"with the headers":       {"hooks", spool.Entry{}, strings.NewReader(strings.Repeat("x", 128<<10-10))},
		"headers over 64 KiB":    {"hooks", spool.Entry{URI: strings.Repeat("x", 70<<10)}, nil},
		"longer than the stream": {"small", spool.Entry{}, strings.NewReader(strings.Repeat("x", 1001))},
	} {
		s := &nats.Stream{JetStream: q.js, Subject: c.subject}
		is(t, name, s.Publish(t.Context(), &c.entry, c.body), spool.ErrTooLarge)
	}
	equal(t, "messages", q.count("HOOKS", "hooks")+q.count("SMALL", "small"), 0)

	in := &spool.Intake{To: &nats.Stream{JetStream: q.js, Subject: "hooks"}}
	w := httptest.NewRecorder()
	in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 200_000))))
	equal(t, "status", w.Code, 413)
}

// unread is a body that is not to be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestAFullStreamSaysSo(t *testing.T) {
	for name, limit := range map[string]jetstream.StreamConfig{
		"bytes":       {MaxBytes: 2000},
		"messages":    {MaxMsgs: 1},
		"per subject": {MaxMsgsPerSubject: 1, DiscardNewPerSubject: true},
	} {
		q := start(t)
		limit.Discard = jetstream.DiscardNew
		q.holds(limit)
		s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
		publish(t, s, strings.Repeat("x", 1500))
		is(t, name, s.Publish(t.Context(), &spool.Entry{}, strings.NewReader(strings.Repeat("x", 1500))), spool.ErrFull)
		equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Refused: 1})

		in := &spool.Intake{To: s}
		w := httptest.NewRecorder()
		in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 1500))))
		equal(t, "status", w.Code, 503)
		equal(t, "stats", in.Stats(), spool.IntakeStats{Refused: 1})
		q.conn.Close()
		q.down()
	}
}

func TestAnIntakeStoresOnAStream(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	in := &spool.Intake{To: s}
	w := httptest.NewRecorder()
	in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/hook?a=1", strings.NewReader("bark")))
	equal(t, "status", w.Code, 202)
	visits := consume(t, s, always(nil), func(v []visit) bool { return len(v) == 1 })
	equal(t, "answer", w.Body.String(), `{"id":"`+visits[0].entry.ID+`"}`+"\n")
	equal(t, "URI", visits[0].entry.URI, "/hook?a=1")
	equal(t, "body", visits[0].body, "bark")
}

func TestABodyThatBreaksOffIsNotPublished(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	half := io.MultiReader(strings.NewReader("half of it"), broken{})
	is(t, "broken", s.Publish(t.Context(), &spool.Entry{}, half), errSick)
	equal(t, "messages", q.count("HOOKS", "hooks"), 0)
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errSick }

func TestWithoutAStreamOrAServerItIsAnErrorInTime(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	nowhere := &nats.Stream{JetStream: q.js, Subject: "nowhere"}
	err := nowhere.Publish(t.Context(), &spool.Entry{}, nil)
	if err == nil || errors.Is(err, spool.ErrFull) || !strings.Contains(err.Error(), `no stream has the subject "nowhere"`) {
		t.Errorf("no stream: %v", err)
	}
	q.down()
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Timeout: 50 * time.Millisecond}
	began := time.Now()
	err = s.Publish(t.Context(), &spool.Entry{}, nil)
	if err == nil || !strings.Contains(err.Error(), "has not acknowledged an entry within 50ms") || time.Since(began) > 5*time.Second {
		t.Errorf("no server: %v after %v", err, time.Since(began))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(errSick) })
	s.Timeout = time.Hour
	is(t, "the context", s.Publish(ctx, &spool.Entry{}, nil), errSick)
	q.conn.Close()
	is(t, "closed", s.Publish(t.Context(), &spool.Entry{}, nil), natsgo.ErrConnectionClosed)
}

func TestBeforeTheFirstConnectionItIsAnError(t *testing.T) {
	conn, err := natsgo.Connect("nats://127.0.0.1:1", natsgo.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	err = (&nats.Stream{JetStream: js, Subject: "hooks"}).Publish(t.Context(), &spool.Entry{}, unread{t})
	if err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsWrongWithAStreamIsNamed(t *testing.T) {
	q := start(t)
	for want, s := range map[string]*nats.Stream{
		"Stream.JetStream is nil":          {Subject: "hooks"},
		`Stream.Subject is ""`:             {JetStream: q.js},
		`Stream.Subject is "hooks.*"`:      {JetStream: q.js, Subject: "hooks.*"},
		`Stream.Subject is "a b"`:          {JetStream: q.js, Subject: "a b"},
		`Stream.Dead is ".x"`:              {JetStream: q.js, Subject: "hooks", Dead: ".x"},
		`Stream.Dead is "hooks", which`:    {JetStream: q.js, Subject: "hooks", Dead: "hooks"},
		`Stream.Consumer is "a.b"`:         {JetStream: q.js, Subject: "hooks", Consumer: "a.b"},
		"Stream.Workers is -1":             {JetStream: q.js, Subject: "hooks", Workers: -1},
		"Stream.AckWait is 1ms":            {JetStream: q.js, Subject: "hooks", AckWait: time.Millisecond},
		"Stream.Timeout is -1ns; it must ": {JetStream: q.js, Subject: "hooks", Timeout: -1},
		"Stream.Delay is -1ns":             {JetStream: q.js, Subject: "hooks", Delay: -1},
		"Stream.DelayMax is -1ns":          {JetStream: q.js, Subject: "hooks", DelayMax: -1},
	} {
		for what, err := range map[string]error{
			"Validate": s.Validate(),
			"Publish":  s.Publish(t.Context(), &spool.Entry{}, unread{t}),
			"Run":      s.Run(t.Context(), nil),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one that says %q", what, err, want)
			}
		}
	}
}
