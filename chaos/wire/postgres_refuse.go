package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
)

// postgresBusy is the error without a code: see [Postgres].
const postgresBusy = "53200"

// postgresMessages are for people.
var postgresMessages = map[string]string{
	"08006":      "connection failure",
	"23505":      "duplicate key value violates unique constraint",
	"25006":      "cannot execute statement in a read-only transaction",
	"25P03":      "terminating connection due to idle-in-transaction timeout",
	"40001":      "could not serialize access due to concurrent update",
	"40P01":      "deadlock detected",
	"42601":      "syntax error",
	"42P01":      "relation does not exist",
	"53000":      "insufficient resources",
	"53100":      "could not extend file: No space left on device",
	postgresBusy: "out of memory",
	"53300":      "sorry, too many clients already",
	"55P03":      "canceling statement due to lock timeout",
	"57014":      "canceling statement due to statement timeout",
	"57P01":      "terminating connection due to administrator command",
	"57P02":      "terminating connection because of crash of another server process",
	"57P03":      "the database system is starting up",
	"58030":      "could not read block: Input/output error",
}

// postgresCode gives the SQLSTATE, and whether it is one of an error.
func postgresCode(code string) (string, bool) {
	if code == "" {
		return postgresBusy, true
	}
	wrong := func(r rune) bool { return (r < '0' || r > '9') && (r < 'A' || r > 'Z') }
	return code, len(code) == 5 && !strings.ContainsFunc(code, wrong) && (code[0] != '0' || code[1] > '2')
}

func (postgres) Check(why Why) error {
	if _, ok := postgresCode(why.Code); !ok {
		return fmt.Errorf("wire: postgres' Code %q must be an SQLSTATE of five digits and capital letters, not of the classes 00 to 02, or empty",
			why.Code)
	}
	return nil
}

func (t *postgresTalk) Refuse(why Why) Answer {
	if t.asked.len() > 0 {
		t.asked.unpush()
	}
	t.denied = true
	t.stale = t.stale || t.unnames
	ready := []byte{'Z', 0, 0, 0, 5, cmp.Or(t.status, 'I')}
	if t.joined {
		return Answer{Bytes: ready}
	}
	code, ok := postgresCode(why.Code)
	if !ok {
		code = postgresBusy
	}
	fatal := t.status == 'T' || t.asked.len() > 0
	severity := "ERROR"
	if fatal {
		severity = "FATAL"
	}
	said := oneLine(cmp.Or(why.Message, postgresMessages[code], "the server is in trouble"))
	answer := []byte{'E', 0, 0, 0, 0}
	for _, field := range []string{"S" + severity, "V" + severity, "C" + code, "M" + strings.ReplaceAll(said, "\x00", " "), ""} {
		answer = append(append(answer, field...), 0)
	}
	binary.BigEndian.PutUint32(answer[1:], uint32(len(answer)-1))
	switch {
	case fatal:
		return Answer{Bytes: answer, Close: true}
	case t.request == postgresBatch && !t.last:
		t.refused = true
		return Answer{Bytes: answer}
	}
	return Answer{Bytes: append(answer, ready...)}
}
