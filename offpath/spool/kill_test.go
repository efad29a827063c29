package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// works is a process that publishes from several goroutines and, mostly, consumes, until it is killed. It
// says in lines what has become true: P ID (published), H ID (handed to the consumer), A ID
// (acknowledged on the disk). An entry's URI is the hash of its body.
func works(path string) {
	say := func(what, id string) { fmt.Fprintf(os.Stdout, "%s %s\n", what, id) } // one write, which a pipe keeps whole
	s := &spool.Spool{Path: path, Delay: time.Millisecond, DelayMax: 5 * time.Millisecond, Attempts: -1}
	s.OnLost = func(l spool.Lost) { say("LOST", l.String()) }
	if err := s.Open(); err != nil {
		say("FAILED", err.Error())
		return
	}
	say("O", "open")
	for range 6 {
		go func() {
			for {
				n := rand.IntN(6000)
				if rand.IntN(20) == 0 {
					n = rand.IntN(500_000)
				}
				body := make([]byte, n)
				for i := range body {
					body[i] = byte(rand.Uint32())
				}
				sum := sha256.Sum256(body)
				e := &spool.Entry{URI: hex.EncodeToString(sum[:])}
				if err := s.Publish(context.Background(), e, bytes.NewReader(body)); err != nil {
					say("FAILED", err.Error())
					return
				}
				say("P", e.ID)
			}
		}()
	}
	if rand.IntN(4) > 0 {
		consumes(s, say)
	}
	select {}
}

// consumes hands out entries one after the other, so that removals are committed in the same order.
func consumes(s *spool.Spool, say func(what, id string)) {
	var mu sync.Mutex
	var handled []string
	go func() {
		_ = s.Run(context.Background(), func(_ context.Context, e *spool.Entry) error {
			say("H", e.ID)
			if _, err := io.Copy(io.Discard, e.Body()); err != nil {
				say("FAILED", err.Error())
			}
			switch rand.IntN(20) {
			case 0:
				return errors.New("not today")
			case 1:
				panic("no")
			case 2:
				runtime.Goexit()
			}
			mu.Lock()
			defer mu.Unlock()
			handled = append(handled, e.ID)
			return nil
		})
	}()
	go func() {
		for said := 0; ; time.Sleep(time.Millisecond) {
			n := int(s.Stats().Acknowledged)
			mu.Lock()
			gone := handled[said:n]
			mu.Unlock()
			for _, id := range gone {
				say("A", id)
			}
			said = n
		}
	}()
}

// What the processes on one file have said.
type history struct{ published, handed, acknowledged map[string]bool }

func TestKilledTwoHundredTimesNothingIsLostAndNothingComesBack(t *testing.T) {
	t.Parallel()
	kills, files := 200, 8
	if testing.Short() {
		kills = 16
	}
	for f := range files {
		t.Run(fmt.Sprint("file ", f), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "killed.spool")
			h := history{map[string]bool{}, map[string]bool{}, map[string]bool{}}
			for range kills / files {
				h.kill(t, path)
				h.check(t, path)
				if t.Failed() {
					return
				}
			}
			// What the dead had begun and not finished is gone as well.
			s := opened(t, &spool.Spool{Path: path})
			if n := s.Stats().Waiting; n > 0 {
				consume(t, s, n)
			}
			empties(t, s)
			t.Logf("published %d, acknowledged %d", len(h.published), len(h.acknowledged))
			if !testing.Short() && (len(h.published) < 100 || len(h.acknowledged) < 50) {
				t.Error("the processes did too little for this to mean something")
			}
		})
	}
}

// kill starts a process and kills it at some moment, now and then before it has the file open.
func (h *history) kill(t *testing.T, path string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SPOOL_CHILD=works", "SPOOL_PATH="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func(after time.Duration) { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) }
	if rand.IntN(10) == 0 {
		end(time.Duration(rand.IntN(200)) * time.Millisecond)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		what, id, _ := strings.Cut(lines.Text(), " ")
		switch what {
		case "O":
			end(time.Duration(rand.IntN(200)) * time.Millisecond)
		case "P":
			h.published[id] = true
		case "H":
			if h.acknowledged[id] {
				t.Errorf("%s was delivered after it had been acknowledged", id)
			}
			h.handed[id] = true
		case "A":
			if h.acknowledged[id] {
				t.Errorf("%s was acknowledged twice", id)
			}
			h.acknowledged[id] = true
		default:
			t.Errorf("the process says %q", lines.Text())
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait()
}

// check opens the file that is left.
func (h *history) check(t *testing.T, path string) {
	s := &spool.Spool{Path: path, OnLost: func(l spool.Lost) { t.Errorf("lost: %v", l) }}
	if err := s.Open(); err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	entries, err := s.Waiting()
	if err != nil {
		t.Error(err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.ID] = true
		sum := sha256.New()
		if n, err := io.Copy(sum, e.Body()); err != nil || n != e.Size || hex.EncodeToString(sum.Sum(nil)) != e.URI {
			t.Errorf("%s is torn: %d bytes of %d, %v", e.ID, n, e.Size, err)
		}
		if h.acknowledged[e.ID] {
			t.Errorf("%s is there after it was acknowledged", e.ID)
		}
	}
	for id := range h.published {
		if !h.handed[id] && !there[id] {
			t.Errorf("%s was published and is gone", id)
		}
	}
	if st := s.Stats(); st.Waiting != len(there) {
		t.Errorf("%d entries by the count, %d are there", st.Waiting, len(there))
	}
}
