package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/offpath/journal"
)

const (
	// maxMessage and maxValue are how many bytes of a message, and of another field, leave the machine.
	maxMessage = 64 << 10
	maxValue   = 1000
)

// facts are the fields that journald itself has written, under short names. Those that the sender has chosen
// keep their own, in upper case, so that none of them can pass for one of these.
var facts = map[string]string{
	"_HOSTNAME": "host", "_SYSTEMD_UNIT": "unit", "_SYSTEMD_USER_UNIT": "user unit", "_PID": "pid", "_UID": "uid",
}

// told are fields that are said in another way, or to nobody.
var told = map[string]bool{
	"MESSAGE": true, "PRIORITY": true, "SYSLOG_FACILITY": true, "SYSLOG_PID": true, "SYSLOG_RAW": true, "SYSLOG_TIMESTAMP": true,
	"CODE_FILE": true, "CODE_LINE": true, "CODE_FUNC": true, "MESSAGE_ID": true, "INVOCATION_ID": true,
}

var priorities = [...]string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}

// alertOf says of an entry, without its secrets, what people are to know: the first line of its message, then
// all of it, and what else is known.
func alertOf(r journal.Record, prefix string) alert.Alert {
	var secrets redact.List
	message := strings.TrimPrefix(r.Message(), prefix)
	message = strings.TrimSpace(secrets.Text(cut(message, maxMessage)))
	title, rest, several := strings.Cut(message, "\n")
	a := alert.Alert{
		Time: r.Time, Title: cmp.Or(alert.OneLine(title, 1000), "an entry without a message"), Text: title, Tags: map[string]string{},
	}
	if several {
		a.Text += "\n\n" + strings.Trim(rest, "\n")
	}
	for name, values := range r.Fields {
		if !told[name] && !strings.HasPrefix(name, "_") {
			a.Tags[name] = secrets.Header(name, cut(strings.Join(values, ", "), maxValue))
		}
	}
	for name, short := range facts { // last, so that they have the last word
		if value := r.Get(name); value != "" {
			a.Tags[short] = cut(value, maxValue)
		}
	}
	a.Tags["priority"] = priorities[r.Priority()-journal.Emergency]
	if r.Truncated {
		a.Tags["truncated"] = "the entry is longer"
	}
	if file := r.Get("CODE_FILE"); file != "" {
		a.Tags["code"] = cut(fmt.Sprintf("%s:%s", file, r.Get("CODE_LINE")), maxValue)
	}
	return a
}

// cut shortens a text, and says so.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (cut: %d bytes in all)", strings.ToValidUTF8(s[:most], ""), len(s))
}
