// Package offpath is for the work that must not hold up a response: the mail, the audit record, the
// cache to be filled, the webhook. "The main idea behind fast requests is to remove all work that isn't
// strictly necessary to send the response."
//
// A [Queue] does it elsewhere. Offering to it never blocks, says whether the queue took the value,
// and costs about as much as a send on a channel; a worker that is stuck, panics or ends its goroutine
// costs the values that find no room, which are counted, and nothing else:
//
//	mails := &offpath.Queue[Mail]{Do: send}
//	...
//	if !mails.Offer(m) {
//		// full: say so, or do without
//	}
//	...
//	left, err := mails.Close(ctx) // at the end: waits until ctx ends, and returns what was not begun
//
// [Go] is for what a handler wants done after its response, with the values of the request's context
// (its ID, its trace, its user) but not its cancellation:
//
//	var after offpath.Queue[offpath.Func]
//	...
//	offpath.Go(r.Context(), &after, func(ctx context.Context) { audit(ctx, entry) })
//
// What is in a queue is gone when the process is: what must not be lost goes to the disk, with
// offpath/spool. Records for other processes go to the journal, with offpath/journal.
package offpath
