package drain

// Count is what there is at a moment.
type Count struct {
	InFlight int // requests in progress that are not long-lived
	Streams  int // event streams and declared ones
	Hijacked int // connections that were hijacked and not closed
}

// Count returns what there is now.
func (d *Drainer) Count() Count {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Count{
		InFlight: max(0, int(d.running.Load())-d.lasting),
		Streams:  d.kinds[stream],
		Hijacked: d.kinds[hijacked],
	}
}

// Stats are a Drainer's counts since it was made.
type Stats struct {
	Full       uint64 // connections and streams refused because of MaxConns
	ClientFull uint64 // refused because of MaxPerClient
	Draining   uint64 // refused because Shutdown had been called
	Told       uint64 // connections whose hook was called, and streams whose context was ended
	Closed     uint64 // hijacked connections that had no hook and were closed in their turn
	Forced     uint64 // connections and streams cut by force
	Panicked   uint64 // hooks that panicked, or called runtime.Goexit
}

// Stats returns the counts as of now.
func (d *Drainer) Stats() Stats {
	return Stats{
		Full:       d.count.full.Load(),
		ClientFull: d.count.client.Load(),
		Draining:   d.count.draining.Load(),
		Told:       d.count.told.Load(),
		Closed:     d.count.closed.Load(),
		Forced:     d.count.forced.Load(),
		Panicked:   d.count.panicked.Load(),
	}
}
