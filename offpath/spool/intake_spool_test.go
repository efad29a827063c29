package spool_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestAFullSpoolRefusesUntilThereIsRoomAgain(t *testing.T) {
	logged(t)
	s := opened(t, &spool.Spool{MaxBytes: 100_000})
	in := &spool.Intake{To: s}
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		server := serve(in.Wrap(nil))
		post := func(body string) int {
			resp, err := server.Client().Post(server.URL, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		large := strings.Repeat("x", 60_000)
		for i, want := range []int{202, 503, 202, 413} {
			equal(t, "status of "+[]string{"one", "one more", "a small one", "one that never fits"}[i],
				post([]string{large, large, "bark", large + large}[i]), want)
		}
		_, bodies := consume(t, s, 2)
		if bodies[0] != large || bodies[1] != "bark" {
			t.Errorf("stored: %d and %d bytes", len(bodies[0]), len(bodies[1]))
		}
	})
	equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 4, Refused: 2, TooLarge: 2})
}

func TestAClosedSpoolIsAFailure(t *testing.T) {
	logged(t)
	s := opened(t, &spool.Spool{})
	s.Close()
	in := &spool.Intake{To: s, Full: spool.Drop}
	w := httptest.NewRecorder()
	in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("bark")))
	equal(t, "status", w.Code, 503)
	equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
}
