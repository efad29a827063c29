package profile

import "context"

// Stats are a Profiler's counts since it was made, but for InProgress and Overrun, which are as of now.
type Stats struct {
	Asked   int64 // requests to be profiled that came from someone who may
	Refused int64 // of these, answered 503, since too many were waiting
	Done    int64 // profiles made
	Failed  int64 // runs of which there is no profile

	InProgress int   // waiting for their turn, running, or being read
	Overrun    int64 // handlers that go on although their profile has ended: see MaxRun
}

// Stats returns the counts as of now.
func (p *Profiler) Stats() Stats {
	return Stats{
		Asked:      p.count.asked.Load(),
		Refused:    p.count.refused.Load(),
		Done:       p.count.done.Load(),
		Failed:     p.count.failed.Load(),
		InProgress: p.jobs.inProgress(),
		Overrun:    p.count.overrun.Load(),
	}
}

// Wait returns when no profile is being made any more, or with the context's cause when that ends. A
// program that ends may call it after [net/http.Server.Shutdown], which knows nothing of requests that run
// apart from their clients; those that it does not wait for are lost, and their pages say so.
func (p *Profiler) Wait(ctx context.Context) error { return p.jobs.wait(ctx) }
