//go:build linux || darwin

package spool_test

import (
	"net/http"
	"net/http/httptest"
	"os/signal"
	"syscall"
	"testing"

	"github.com/heeler-go/heeler/offpath/spool"
)

// A limit on the length of files stands in for a disk that is full in the midst of the copy.
func TestACopyForWhichTheDiskHasNoRoomCountsAsFull(t *testing.T) {
	const size, room = 300_000, 100_001
	want := text(t, noise(size))
	for full, status := range map[spool.WhenFull]int{spool.Refuse: 503, spool.Drop: 299} {
		logged(t)
		to := &shelf{}
		in := &spool.Intake{To: to, Full: full, Pass: true, TempDir: t.TempDir()}
		h := in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := text(t, r.Body); got != want {
				t.Errorf("the handler saw %d bytes, want the %d that were sent", len(got), size)
			}
			w.WriteHeader(299)
		}))
		w := httptest.NewRecorder()
		withRoom(t, room, func() { h.ServeHTTP(w, httptest.NewRequest("POST", "/", noise(size))) })
		equal(t, "status", w.Code, status)
		to.empty(t)
		wanted := spool.IntakeStats{Refused: 1}
		if full == spool.Drop {
			wanted = spool.IntakeStats{Dropped: 1, Passed: 1}
		}
		equal(t, "stats", in.Stats(), wanted)
	}
}

// withRoom does something while no file may grow beyond a length.
func withRoom(t *testing.T, length uint64, do func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	after := before
	after.Cur = length
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &after); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before)
	do()
}
