package main

import (
	"bytes"
	"strings"
	"testing"
)

// BenchmarkQueue is for profiles of one mailbox.
func BenchmarkQueue(b *testing.B) {
	for _, p := range plights() {
		for _, one := range p.on(mailboxes()) {
			b.Run(p.name+"/"+one.subject, one.bench)
		}
	}
}

func TestEveryMailboxIsMeasuredInEveryPlight(t *testing.T) {
	var out bytes.Buffer
	if err := reportQueues(&out, quick); err != nil {
		t.Fatal(err)
	}
	for _, m := range mailboxes() {
		if got, want := strings.Count(out.String(), "| "+m.name+" "), len(plights()); got != want {
			t.Errorf("%d rows of %q, want %d\n%s", got, m.name, want, &out)
		}
	}
}

func TestAMailboxSaysWhatItHasTakenAndDoesThat(t *testing.T) {
	for _, m := range mailboxes() {
		release, done := make(chan struct{}), make(chan struct{}, 100)
		offer, end := m.open(5, func() { <-release; done <- struct{}{} })
		taken := 0
		for range 100 {
			if offer() {
				taken++
			}
		}
		if taken != 5 && taken != 6 { // one more if the worker has begun
			t.Errorf("%s: %d were taken, want 5 and the one that the worker may have", m.name, taken)
		}
		close(release)
		for range taken {
			<-done
		}
		end()
		if len(done) > 0 {
			t.Errorf("%s: more was done than was taken", m.name)
		}
	}
}
