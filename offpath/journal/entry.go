package journal

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// An Entry is one entry in the journal.
type Entry struct {
	// Message is the text for a person: any bytes, with line breaks as they are.
	Message string
	// Priority is how urgent it is. The zero value is Info.
	Priority Priority
	// Fields are what else it says. A name may be there several times, and MESSAGE as well: the entry then has
	// several values of it, of which the journal does not promise to keep the order.
	Fields []Field
}

// A Field is one name and one value.
type Field struct {
	// Name has 1 to 64 upper-case letters A to Z, digits and underscores, and begins with a letter.
	// PRIORITY is none: an entry has one.
	Name string
	// Value is any bytes: line breaks, NUL, not UTF-8.
	Value string
}

// A Priority is one of syslog(3)'s, as its distance from Info, so that the zero value is Info. More urgent
// ones are smaller.
type Priority int

// The priorities. An Emergency may be shown on every terminal of the machine, see ForwardToWall= in
// journald.conf(5).
const (
	Emergency Priority = iota - 6
	Alert
	Critical
	Error
	Warning
	Notice
	Info
	Debug
)

// An InvalidError says why an entry is refused. Sending it again does not help.
type InvalidError struct {
	Field  string // the name that is at fault; empty: the entry as a whole, or a name that is empty
	Reason string // what is accepted
}

func (e *InvalidError) Error() string {
	if e.Field == "" {
		return "journal: entry: " + e.Reason
	}
	return fmt.Sprintf("journal: field %.100q: %s", e.Field, e.Reason)
}

const (
	// maxFields and maxEntry are from where on journald ignores an entry without a word: its
	// ENTRY_FIELD_COUNT_MAX, and its DATA_SIZE_MAX, which is for one field, but nearly the whole entry's.
	maxFields = 1024
	maxEntry  = 768 << 20
	// maxName is what journald allows for a name, in bytes.
	maxName = 64
)

func invalidName(name string) error {
	e := &InvalidError{Field: name, Reason: "a name has 1 to 64 of A to Z, 0 to 9 and _, and begins with a letter"}
	if name == "" {
		e.Reason = `field "": ` + e.Reason
	}
	return e
}

// Validate gives the error with which Send would refuse the entry, an [InvalidError], or nil.
func (e Entry) Validate() error {
	switch {
	case e.Priority < Emergency || e.Priority > Debug:
		return &InvalidError{Reason: fmt.Sprintf("priority is %d; it goes from %d, Emergency, to %d, Debug", e.Priority, Emergency, Debug)}
	case len(e.Fields) > maxFields-3:
		return &InvalidError{Reason: fmt.Sprintf("it has %d fields; at most %d are accepted", len(e.Fields), maxFields-3)}
	}
	size := len(e.Message)
	for _, f := range e.Fields {
		if !validName(f.Name) {
			return invalidName(f.Name)
		}
		if f.Name == "PRIORITY" {
			return &InvalidError{Field: f.Name, Reason: "an entry has one priority, set Entry.Priority"}
		}
		size += len(f.Name) + len(f.Value) + 10
	}
	return checkSize(size)
}

// checkSize refuses what journald would ignore.
func checkSize(size int) error {
	if size > maxEntry {
		return &InvalidError{Reason: fmt.Sprintf("it has %d bytes; at most %d are accepted", size, maxEntry)}
	}
	return nil
}

// validName says whether journald takes a field of this name from a client.
func validName(name string) bool {
	if name == "" || len(name) > maxName || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func nameByte(c byte) bool { return 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' }

// appendEntry appends a valid entry.
func appendEntry(b []byte, e Entry) []byte {
	b = appendPriority(b, e.Priority)
	b = appendField(b, "MESSAGE", e.Message)
	for _, f := range e.Fields {
		b = appendField(b, f.Name, f.Value)
	}
	return b
}

func appendPriority(b []byte, p Priority) []byte {
	return append(append(b, "PRIORITY="...), '0'+byte(p-Emergency), '\n')
}

func appendField(b []byte, name, value string) []byte {
	return appendValue(append(b, name...), value)
}

// appendValue appends the value of the field whose name is there: on the same line, or with its length where it
// has a line break.
func appendValue(b []byte, value string) []byte {
	if strings.IndexByte(value, '\n') < 0 {
		b = append(b, '=')
	} else {
		b = append(b, '\n')
		b = binary.LittleEndian.AppendUint64(b, uint64(len(value)))
	}
	b = append(b, value...)
	return append(b, '\n')
}
