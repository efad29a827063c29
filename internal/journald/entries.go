package journald

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
)

// Entries are the entries in the journal that match, as journalctl(1) has it ("FIELD=value", "+"), the oldest
// first. Values are as they were sent, byte by byte; a field that was given several times has several.
func (j *Journald) Entries(match ...string) []map[string][]string {
	j.t.Helper()
	j.Sync()
	args := append(j.Journalctl()[1:], "--output=json", "--all", "--no-pager", "--quiet")
	var complaint bytes.Buffer
	cmd := exec.Command(j.Journalctl()[0], append(args, match...)...)
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	if err != nil {
		j.t.Fatalf("journald: %v: %v: %s", cmd, err, complaint.Bytes())
	}
	var entries []map[string][]string
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var fields map[string]json.RawMessage
		if err := decoder.Decode(&fields); err != nil {
			j.t.Fatalf("journald: read the output of %v: %v", cmd, err)
		}
		entry := map[string][]string{}
		for name, raw := range fields {
			if entry[name], err = values(raw); err != nil {
				j.t.Fatalf("journald: field %s: %v", name, err)
			}
		}
		entries = append(entries, entry)
	}
	return entries
}

// values reads what a field can be in the JSON of journalctl: a string, the bytes of one as numbers, or an
// array of both.
func values(raw json.RawMessage) ([]string, error) {
	if value, ok := value(raw); ok {
		return []string{value}, nil
	}
	var several []json.RawMessage
	if err := json.Unmarshal(raw, &several); err != nil {
		return nil, err
	}
	var found []string
	for _, raw := range several {
		value, ok := value(raw)
		if !ok {
			return nil, fmt.Errorf("value is neither a string nor bytes: %.100s", raw)
		}
		found = append(found, value)
	}
	return found, nil
}

func value(raw json.RawMessage) (string, bool) {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		var s string
		return s, json.Unmarshal(raw, &s) == nil
	}
	var numbers []uint16 // not []byte, which would be base64
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &numbers) != nil {
		return "", false
	}
	b := make([]byte, len(numbers))
	for i, n := range numbers {
		b[i] = byte(n)
	}
	return string(b), true
}
