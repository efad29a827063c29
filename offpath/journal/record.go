package journal

import (
	"strconv"
	"strings"
	"time"
)

// A Record is one entry that was read from the journal.
//
// Every process of the machine may write to the journal, with any fields, except those whose names begin with
// an underscore: journald takes these from the kernel and ignores them when they are sent. So _UID, _PID,
// _COMM, _EXE and _SYSTEMD_UNIT say who wrote a record; SYSLOG_IDENTIFIER, UNIT, CODE_FILE and the text of a
// message say what somebody wants to be believed. See [Record.Unit], [Record.UID] and [Trusted].
type Record struct {
	// Cursor is where the record stands in the journal, as journalctl's --cursor takes it.
	Cursor string
	// Time is when journald received it, to the microsecond, in UTC.
	Time time.Time
	// Fields are all others, __MONOTONIC_TIMESTAMP included: their names, and the values of each. A
	// field may have several values, in no order that could be relied on, as MESSAGE has when it was
	// sent twice. Values are the bytes that were sent: they may be empty, not UTF-8, and have control
	// characters in them.
	Fields map[string][]string
	// Truncated says that values are shorter than they were, or missing, since the record has more bytes than
	// the Follower's MaxBytes or than journalctl could print. Fields that begin with an underscore have a
	// MaxBytes of their own, so nobody pushes them out with long fields of his own.
	Truncated bool
}

// Get returns a field's first value, or "" where there is no such field.
func (r Record) Get(name string) string {
	if values := r.Fields[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Message returns the text of the record: its field MESSAGE, and all of them, one a line, where it was sent
// with several.
func (r Record) Message() string { return strings.Join(r.Fields["MESSAGE"], "\n") }

// Priority returns the field PRIORITY, as the sender said. Where it is missing or makes no sense it is
// [Info].
func (r Record) Priority() Priority {
	level := r.Get("PRIORITY")
	if len(level) != 1 || level[0] < '0' || level[0] > '7' {
		return Info
	}
	return Emergency + Priority(level[0]-'0')
}

// Unit returns the systemd unit of the process that sent the record, such as "shop.service", in journald's own
// word; "" where it belongs to none.
func (r Record) Unit() string { return r.Get("_SYSTEMD_UNIT") }

// UID returns the user ID of the process that sent the record, in journald's own word; ok is false
// where journald does not know, as with records of the kernel.
func (r Record) UID() (uid uint32, ok bool) {
	n, err := strconv.ParseUint(r.Get("_UID"), 10, 32)
	return uint32(n), err == nil
}
