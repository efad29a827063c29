// Package nats keeps a spool's entries on NATS JetStream, for where the disk of
// one machine is not enough: a [Stream] is a [spool.Publisher], and the consumer
// of what was published, with the same handle as a [spool.Spool].
//
//	conn, err := nats.Connect("nats://queue.internal") // github.com/nats-io/nats.go
//	js, err := jetstream.New(conn)                     // and its package jetstream
//	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
//		Name: "HOOKS", Subjects: []string{"hooks", "hooks.dead"},
//		MaxBytes: 10 << 30, Discard: jetstream.DiscardNew,
//	})
//	…
//	hooks := &heelernats.Stream{JetStream: js, Subject: "hooks"}
//	in := &spool.Intake{To: hooks}
//	http.Handle("POST /hooks", in.Wrap(nil))
//	go hooks.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
//		return process(ctx, e.URI, e.Body())
//	})
//
// The stream is the operator's: its replicas, its limits, how long it keeps what.
// With [jetstream.DiscardNew] a full one refuses entries, which an Intake
// answers with 503; with the default, DiscardOld, it silently loses the oldest.
// [jetstream.WorkQueuePolicy] removes entries that have been acknowledged;
// with the default, LimitsPolicy, they stay until a limit removes them.
//
// It is a module of its own, so that only those who use it compile the client of
// NATS, which is the official one.
package nats
