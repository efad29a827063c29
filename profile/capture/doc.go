// Package capture records what one function does: when it ran and what it waited for, by the execution
// tracer; what it computed, by the CPU profiler; and on request what it allocated. Package exectrace reads
// the recording.
//
//	r, err := capture.Start(ctx, capture.Options{For: "the report of May"})
//	if err != nil {
//		return err // ctx has ended, or something else in the program holds the tracer
//	}
//	defer r.Stop()
//	r.Do(report)
//	x, p, err := r.Stop().Read()
//
// A process has one execution tracer, so recordings take turns, first come, first served. The handlers
// [Profile] and [Trace] take the place of those of net/http/pprof and know of the recordings, and these of
// them: a trace waits for its turn, and a CPU profile takes the profiler over from a recording at once.
// The recording goes without a loss, since the samples are in its trace whoever has started the profiler.
// A runtime/trace.FlightRecorder may run beside all of it.
//
// # Cost
//
// While a recording is on, every goroutine of the process is traced. Measured on a laptop's core, beginning
// and ending it took 2 ms in all in a small program and 20 ms in one with 10,000 idle goroutines, most of it
// not on the processors that the others need. The trace is held in memory, at most twice while it is
// put together. Who never records pays nothing.
//
// [Options.Allocs] costs far more; see there.
package capture
