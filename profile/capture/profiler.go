package capture

import (
	"io"
	"runtime/pprof"
	"sync"
)

// theProfiler is the CPU profiler. The process has one.
var theProfiler profiler

// A profiler is shared by a recording, of which there is one at a time, and the handler Profile. A
// recording needs it only to be on: the runtime writes the samples into the trace as well as into the
// profile. So the handler goes before, and the recording has it on when the handler does not.
type profiler struct {
	mu      sync.Mutex
	wanted  bool // by a recording
	own     bool // the recording has it on
	lent    bool // the handler has it
	problem string
}

const (
	heldProblem = "The CPU profiler was held by something else in the program: " +
		"there are CPU samples only from when that had it on."
	lostProblem = "Something else in the program has stopped the CPU profiler: CPU samples are missing."
)

// ride has the profiler on for a recording, until leave is called, unless a stranger has it.
func (p *profiler) ride() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted, p.problem = true, ""
	if !p.lent {
		p.take()
	}
}

func (p *profiler) take() {
	if p.own = pprof.StartCPUProfile(io.Discard) == nil; !p.own {
		p.problem = heldProblem
	}
}

// leave ends what ride began, and says what the recording lacks; "" if nothing.
func (p *profiler) leave() (problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = false
	p.drop()
	return p.problem
}

// drop stops the profiler if the recording has it on. Others may have done so: who ignores the error of
// StartCPUProfile calls StopCPUProfile all the same.
func (p *profiler) drop() {
	if !p.own {
		return
	}
	if pprof.StartCPUProfile(io.Discard) == nil { // there can be one only
		p.problem = lostProblem
	}
	pprof.StopCPUProfile()
	p.own = false
}

// lend starts a CPU profile for the handler, and takes the profiler from a recording if it has it. The
// error is what pprof.StartCPUProfile says if there is one on already.
func (p *profiler) lend(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop()
	if err := pprof.StartCPUProfile(w); err != nil {
		return err
	}
	p.lent = true
	return nil
}

// giveBack ends the profile that lend started.
func (p *profiler) giveBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	pprof.StopCPUProfile()
	p.lent = false
	if p.wanted {
		p.take()
	}
}
