// Package journal talks to systemd's journal without ever waiting for it: a [Sender] hands entries to journald
// or counts them as dropped, a [Handler] does so for log/slog, and a [Follower] reads them back and loses none.
//
//	sender := &journal.Sender{Identifier: "shop"}
//	logger := slog.New(&journal.Handler{Sender: sender})
//	logger.Info("order placed", "order", 17) // journalctl LOG_ORDER=17
//
//	err := sender.Send(journal.Entry{
//		Message:  "payment refused",
//		Priority: journal.Warning,
//		Fields:   []journal.Field{{Name: "SHOP_ALERT", Value: "1"}},
//	})
//
//	follower := &journal.Follower{
//		Match:  []string{"SHOP_ALERT=1", "_SYSTEMD_UNIT=shop.service"},
//		Cursor: "/var/lib/shop/alerts.cursor",
//		Handle: func(ctx context.Context, r journal.Record) error { return post(ctx, r.Message()) },
//	}
//	err = follower.Run(ctx)
//
// # Sending
//
// What is written to standard output waits when journald hangs, and with it every request that logs. A Sender
// speaks journald's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) and asks the kernel not to
// wait: [Sender.Send] costs some microseconds whatever state journald is in; more than 64 KiB, when journald takes
// it, costs a copy into a file in memory, some milliseconds for a megabyte. The price is that entries are
// dropped while journald does not take them, which [Stats] tells exactly. How many the kernel keeps until then
// is the least of /proc/sys/net/unix/max_dgram_qlen (systemd makes it 512) and what fits the socket's buffer, where
// a file counts as nothing: large entries that wait for a journald that hangs are memory of the sender's. Who
// cannot lose an entry keeps it until Send returns nil, as an alert.Queue in front of alert/journal does.
//
// A value may have any bytes. Field names are checked, since a name with a line break in it would forge other
// fields: an entry with a bad one is refused with an [InvalidError] that names it.
//
// # Reading
//
// A Follower runs journalctl, which knows every format of journal there has been, and reads what it prints. It keeps
// its place in a file, and moves it on only when a record has been dealt with. So a daemon apart from the
// application can do the slow part, such as posting to a chat, at its own pace and over its own restarts.
//
// Who does so with journalctl by hand needs to know three things. Up to systemd 253 --after-cursor skips a record that
// nobody has seen, where the one at the cursor is gone or does not match: --cursor does not, and begins with the record
// that is known. --follow without --no-tail prints ten records behind --after-cursor, and the others only when another
// one is written. And --follow leaves out what was written before the machine was last started, behind a cursor too.
//
// # Trusting
//
// The socket of the journal is world-writable: every process of the machine may send every field, such as a
// MESSAGE that begins like yours, or SYSLOG_IDENTIFIER=shop. Only fields that begin with an underscore are
// journald's own word, since it takes those from the kernel and ignores them when they are sent. Who acts on
// entries should match on both: a field of the application's own, which no text in a message can forge, and
// _SYSTEMD_UNIT or _UID, which no other user can.
//
// The journal is Linux's. Elsewhere the package compiles, and each Send fails with [errors.ErrUnsupported].
package journal
