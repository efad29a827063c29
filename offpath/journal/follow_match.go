package journal

import (
	"fmt"
	"strings"
)

// either stands between alternatives in a list of matches.
const either = "+"

// validateMatch checks a list of matches, so that journalctl reads each as a match: neither as an
// option nor as the path of a program or a device, which it accepts in their place.
func validateMatch(match []string) error {
	if size := matchSize(match); size > maxMatch {
		return fmt.Errorf("journal: Follower.Match: %d bytes in all; at most %d are accepted", size, maxMatch)
	}
	for i, m := range match {
		if m == either {
			if i == 0 || i == len(match)-1 || match[i-1] == either {
				return fmt.Errorf("journal: Follower.Match[%d]: \"+\" stands between two alternatives", i)
			}
			continue
		}
		name, value, ok := strings.Cut(m, "=")
		if !ok || !validMatchName(name) {
			return fmt.Errorf("journal: Follower.Match[%d]: %.100q: a match is FIELD=value or +, "+
				"and a field has 1 to 64 of A to Z, 0 to 9 and _, and begins with none of the digits", i, m)
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("journal: Follower.Match[%d]: %.100q: a value in a match has no NUL", i, m)
		}
	}
	return nil
}

// maxMatch keeps the arguments of a command below what the system takes: one has at most 128 KiB on Linux.
const maxMatch = 100 << 10

func matchSize(match []string) (size int) {
	for _, m := range match {
		size += len(m)
	}
	return size
}

// validMatchName is about the names of fields that can be read, those of journald included.
func validMatchName(name string) bool {
	if name == "" || len(name) > maxName || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

// Trusted says whether journald vouches for the sender of every record that matches: whether each alternative
// in match asks for a field that begins with an underscore and tells one sender from another, such as
// "_SYSTEMD_UNIT=shop.service" or "_UID=1000". Without one, any process of the machine can write a record that
// matches. No match at all is not trusted.
func Trusted(match []string) bool {
	trusted := false
	for _, m := range match {
		if m == either {
			if !trusted {
				return false
			}
			trusted = false
			continue
		}
		name, _, _ := strings.Cut(m, "=")
		trusted = trusted || tellsSender(name)
	}
	return trusted
}

// tellsSender says which fields of journald tell who sent a record, and not what the sender has chosen: _COMM
// and _CMDLINE are what a process calls itself, anyone may run the program in _EXE, a user names his
// _SYSTEMD_USER_UNIT, and who sends chooses the _TRANSPORT.
func tellsSender(name string) bool {
	switch name {
	case "_UID", "_GID", "_PID", "_LOGINUID", "_AUDIT_LOGINUID", "_AUDIT_SESSION", "_SELINUX_CONTEXT",
		"_SYSTEMD_UNIT", "_SYSTEMD_OWNER_UID", "_SYSTEMD_SLICE", "_SYSTEMD_CGROUP", "_SYSTEMD_SESSION",
		"_SYSTEMD_INVOCATION_ID":
		return true
	}
	return false
}
