package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

// arrived is a sink that tells of every alert.
type arrived chan alert.Alert

func (s arrived) Send(_ context.Context, a alert.Alert) error {
	s <- a
	return nil
}

// captureOneSlowRequest is slowlog at its work: a request becomes slow, its stacks are taken, the
// report is made and comes to its sink. The times are those of the sweep's begin and the arrival.
func captureOneSlowRequest() (from, to time.Time, err error) {
	reports := make(arrived, 1)
	queue := &alert.Queue{Sinks: []alert.Sink{reports}}
	watch := &slowlog.Watch{After: 20 * time.Millisecond, Alert: queue}
	stuck, done := make(chan struct{}), make(chan struct{})
	handler := watch.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	request, cancel := newRequest()
	defer cancel()
	go func() {
		defer close(done)
		handler.ServeHTTP(newDiscard(), request)
	}()
	select {
	case <-reports:
		to = time.Now()
	case <-time.After(time.Minute):
		return from, to, fmt.Errorf("bench: no slow report within a minute; slowlog's stats: %+v", watch.Stats())
	}
	from = watch.Recent()[0].Taken.Add(-watch.Stats().SweepTime)
	close(stuck)
	<-done
	return from, to, queue.Close(context.Background())
}

// A stall is how long others were held up at one number of goroutines.
type stall struct {
	Capture, Dump, Quiet time.Duration
	Took                 time.Duration // by the capture, until the report came
}

// measureStall takes one capture and one dump, and looks for as long as the capture took at what the
// machine does when nothing happens.
func measureStall(goroutines int) (s stall, err error) {
	c := newCrowd(goroutines)
	defer c.disperse()
	s.Capture = longestGap(func() (from, to time.Time) {
		from, to, err = captureOneSlowRequest()
		s.Took = to.Sub(from)
		return from, to
	})
	if err != nil {
		return s, err
	}
	s.Quiet = longestGap(func() (from, to time.Time) {
		from = time.Now()
		time.Sleep(s.Took)
		return from, time.Now()
	})
	s.Dump = longestGap(newDumper().dump)
	return s, nil
}

// Each of these makes this program measure one thing, at so many goroutines, and nothing else.
const (
	stallVar   = "HEELER_BENCH_STALL"
	profileVar = "HEELER_BENCH_PROFILE"
)

// answerForOne does what the variable asks for and says whether it asked.
func answerForOne[T any](w io.Writer, variable string, measure func(goroutines int) (T, error)) (asked bool, err error) {
	value, asked := os.LookupEnv(variable)
	if !asked {
		return false, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return true, fmt.Errorf("bench: %s is %q, want a number", variable, value)
	}
	measured, err := measure(n)
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(w).Encode(measured)
}

// elsewhere measures in a process of its own. Captures are paced over the whole process, and one
// at 100,000 goroutines is followed by a long wait; so each gets a process that has not captured yet.
func elsewhere[T any](variable string, goroutines int) (measured T, err error) {
	self, err := os.Executable()
	if err != nil {
		return measured, err
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d", variable, goroutines))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return measured, fmt.Errorf("bench: measuring at %d goroutines: %w", goroutines, err)
	}
	return measured, json.Unmarshal(out, &measured)
}

func reportStalls(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nThe longest that a capture holds up everyone else, and what the machine does by itself: median of %d,\n"+
		"and the least, since whatever else runs on the machine only adds.\n\n", p.captures)
	t := &table{head: []string{"goroutines", "runtime.Stack(all)", "slowlog's capture", "ratio", "neither", "report complete after"}}
	for _, n := range p.goroutines {
		var captures, dumps, quiet, took []time.Duration
		for range p.captures {
			s, err := elsewhere[stall](stallVar, n)
			if err != nil {
				return err
			}
			captures, dumps = append(captures, s.Capture), append(dumps, s.Dump)
			quiet, took = append(quiet, s.Quiet), append(took, s.Took)
		}
		ratio := float64(median(dumps)) / float64(median(captures))
		t.add(fmt.Sprint(n), medianAndLeast(dumps), medianAndLeast(captures), fmt.Sprintf("1/%.0f", ratio),
			medianAndLeast(quiet), medianAndLeast(took))
	}
	t.writeTo(w)
	return nil
}

func medianAndLeast(d []time.Duration) string {
	return fmt.Sprintf("%.2f (%.2f) ms", median(d).Seconds()*1000, quantile(d, 0).Seconds()*1000)
}
