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
// The recording hardly notices, since the samples are in its trace whoever has started the profiler.
// A runtime/trace.FlightRecorder may run beside all of it. They need a mux of their own, as whoever imports
// net/http/pprof has its handlers on http.DefaultServeMux, where a second one of the same pattern panics:
//
//	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
//	mux.HandleFunc("GET /debug/pprof/profile", capture.Profile)
//	mux.HandleFunc("GET /debug/pprof/trace", capture.Trace)
//
// # Cost
//
// While a recording is on, every goroutine of the process is traced. Measured on four cores, to begin and
// end one took 10 ms in a small program, 11 ms in one with 10,000 idle goroutines and 95 ms in one with
// 100,000; what grows is to end it. The trace had 10, 180 and 1700 kB. It is held in memory. Who never records
// pays nothing.
//
// [Options.Allocs] costs far more, 60 ms in the small program and 580 ms in the largest, most of it for
// collecting garbage; see there.
package capture
