package alert

// Stats says what has become of the alerts offered to a [Queue].
type Stats struct {
	// Tally is the sum over the sinks: an alert for three sinks counts three
	// times.
	Tally
	// Sinks are the sinks' own, in the order of Queue.Sinks.
	Sinks []SinkStats
}

// SinkStats is one sink's part.
type SinkStats struct {
	Name string // the sink's type, such as "*email.Sink"
	Tally
}

// A Tally counts alerts, each with its Count. At any moment
//
//	Offered = Delivered + Failed + Dropped + Waiting
type Tally struct {
	Offered   int64 // handed to Offer
	Folded    int64 // of these, merged into one that was waiting
	Delivered int64 // taken by the sink
	Failed    int64 // the sink returned an error, panicked or ended its goroutine
	Dropped   int64 // the line was full, or the queue closed
	Waiting   int64 // in the line or being sent
}

// Stats returns the counts at this moment.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.setup()
	s := Stats{Sinks: make([]SinkStats, 0, len(q.lines))}
	for _, l := range q.lines {
		s.Sinks = append(s.Sinks, SinkStats{Name: l.name, Tally: l.tally})
		s.Offered += l.tally.Offered
		s.Folded += l.tally.Folded
		s.Delivered += l.tally.Delivered
		s.Failed += l.tally.Failed
		s.Dropped += l.tally.Dropped
		s.Waiting += l.tally.Waiting
	}
	return s
}
