package journal

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// DefaultPrefix begins the names of the fields that a [Handler] makes from attributes.
const DefaultPrefix = "LOG_"

// RequestID is the field with the ID of the request that an entry belongs to, the one that slowlog's reports
// have.
const RequestID = "HEELER_REQUEST_ID"

// reserved begin the names of fields that mean something to systemd, or to us: see systemd.journal-fields(7).
var reserved = [...]string{"CODE_", "COREDUMP_", "HEELER_", "INVOCATION_", "MESSAGE_", "OBJECT_", "PRIORITY_", "SYSLOG_", "USER_"}

// maxPrefix leaves half of a name to what the name is about.
const maxPrefix = maxName / 2

// checkPrefix says whether no name of an attribute can make the prefix into a field that means something else.
func checkPrefix(prefix string) error {
	switch {
	case !validName(prefix) || len(prefix) > maxPrefix || !strings.HasSuffix(prefix, "_"):
		return fmt.Errorf("journal: Handler.Prefix: %.100q: it is 2 to %d of A to Z, 0 to 9 and _, begins with a letter and ends in _", prefix, maxPrefix)
	case slices.ContainsFunc(reserved[:], func(r string) bool { return strings.HasPrefix(prefix, r) }):
		return fmt.Errorf("journal: Handler.Prefix: %q: it may not begin with any of %s", prefix, strings.Join(reserved[:], " "))
	}
	return nil
}

// FieldName is the name of a field made of any text: the prefix, and the text in upper case, with each
// character that a name may not have as an underscore: LOG_USER_ID for user-id, user.id and userID's user_id.
//
// What this would not tell apart, since it has more than 64 bytes or letters other than A to Z, ends in a hash of
// eight hexadecimal digits. The prefix must be valid as a name, and at most 32 bytes.
func FieldName(prefix, text string) string {
	return string(appendName(nil, prefix, text))
}

func appendName(b []byte, prefix, text string) []byte {
	start := len(b)
	b = append(b, prefix...)
	lost := len(prefix)+len(text) > maxName
	for _, r := range text {
		if len(b)-start == maxName {
			break
		}
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		if r >= 0x80 {
			lost = true
		}
		if r >= 0x80 || !nameByte(byte(r)) {
			r = '_'
		}
		b = append(b, byte(r))
	}
	if !lost {
		return b
	}
	hash := fnv.New32a()
	hash.Write([]byte(text))
	const digits = 8
	b = b[:min(len(b), start+maxName-1-digits)]
	return fmt.Appendf(b, "_%0*X", digits, hash.Sum32())
}
