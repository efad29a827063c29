// Package spool keeps requests on the local disk and hands them to a consumer later, so that work which
// is not needed for the response need not be done before it: the raw request is stored, the client is
// answered, and what the request says is looked at when there is time.
//
//	s := &spool.Spool{Path: "/var/lib/app/hooks.spool"}
//	if err := s.Open(); err != nil { … }
//	go s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
//		return process(ctx, e.URI, e.Body())
//	})
//
// An [Intake] in front of it stores requests as they come, and answers 202 with the ID of the entry, or passes
// them on:
//
//	in := &spool.Intake{To: s, Header: []string{"Content-Type", "X-Hub-Signature-256"}}
//	mux.Handle("POST /hooks/", in.Wrap(nil))
//
// Whatever else is worth keeping goes there by [Spool.Publish].
//
// An entry is on the disk, synced, when Publish returns nil, and stays there until a consumer has
// returned nil for it: each is delivered at least once, in the order of receipt as far as retries allow.
// A process that dies in the midst of it delivers the entry again, so handle must bear seeing one twice;
// its ID tells.
package spool
