package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/heeler-go/heeler/profile"
)

// labour is what the profiled request does: it computes, hands work to and fro between two goroutines,
// and waits, so that its trace has something of everything.
func labour() {
	sum := sha256.Sum256(nil)
	for range 5_000 {
		sum = sha256.Sum256(sum[:])
	}
	there, back := make(chan int), make(chan int)
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range there {
			back <- n
		}
	})
	for n := range 500 {
		there <- n
		<-back
	}
	close(there)
	wg.Wait()
	for range 10 {
		time.Sleep(time.Millisecond)
	}
}

// A profiled is what it is to profile a request at one number of goroutines.
type profiled struct {
	Bare, Inside time.Duration // the handler's time without and with
	Ready        time.Duration // from the request to the result
	Stall, Quiet time.Duration // the longest that others were held up meanwhile, and when nothing happens
}

// profileOneRequest asks for a profile of labour.
func profileOneRequest() (from, to time.Time, inside time.Duration, err error) {
	prof := &profile.Profiler{Allow: func(*http.Request) (string, bool) { return "bench", true }}
	handler := prof.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		start := time.Now()
		labour()
		inside = time.Since(start)
	}))
	request, cancel := newRequest()
	defer cancel()
	request.URL.RawQuery = profile.DefaultParam + "=inline"
	from = time.Now()
	handler.ServeHTTP(newDiscard(), request)
	if to = time.Now(); prof.Stats().Done != 1 {
		err = fmt.Errorf("bench: the request was not profiled; the profiler's stats: %+v", prof.Stats())
	}
	return from, to, inside, err
}

// measureProfile profiles one request among so many idle goroutines.
func measureProfile(goroutines int) (p profiled, err error) {
	c := newCrowd(goroutines)
	defer c.disperse()
	labour() // the first time, memory is new
	start := time.Now()
	labour()
	p.Bare = time.Since(start)
	p.Stall = longestGap(func() (from, to time.Time) {
		from, to, p.Inside, err = profileOneRequest()
		p.Ready = to.Sub(from)
		return from, to
	})
	p.Quiet = longestGap(func() (from, to time.Time) {
		from = time.Now()
		time.Sleep(100 * time.Millisecond)
		return from, time.Now()
	})
	return p, err
}

func reportProfiles(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nOne request profiled, among idle goroutines: median of %d, and the least, since whatever else runs on\n"+
		"the machine only adds.\n\n", p.captures)
	t := &table{head: []string{"goroutines", "handler", "profiled", "added", "result after", "others held up for", "neither"}}
	for _, n := range p.goroutines {
		var bare, inside, added, ready, stalls, quiet []time.Duration
		for range p.captures {
			one, err := elsewhere[profiled](profileVar, n)
			if err != nil {
				return err
			}
			bare, inside = append(bare, one.Bare), append(inside, one.Inside)
			added, ready = append(added, one.Inside-one.Bare), append(ready, one.Ready)
			stalls, quiet = append(stalls, one.Stall), append(quiet, one.Quiet)
		}
		t.add(fmt.Sprint(n), medianAndLeast(bare), medianAndLeast(inside), medianAndLeast(added), medianAndLeast(ready),
			medianAndLeast(stalls), medianAndLeast(quiet))
	}
	t.writeTo(w)
	return nil
}
