package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/heeler-go/heeler/offpath/journal"
)

// FuzzRecords holds the reader against encoding/json.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`{"MESSAGE":["one",[116,27],null],"__CURSOR":"s=1;i=1","_UID":"0","E":"\u00e4\ud83d\ude00\n"}`+"\n"), 4096)
	f.Add([]byte("{\"A\":[]}\n{\"__CURSOR\":\"x\",\"A\":[1,2,3],\"B\":null}\nnone\n"), 3)
	f.Fuzz(func(t *testing.T, data []byte, max int) {
		max = int(uint(max) % (1 << 16))
		records, _, err := journal.ReadRecords(bytes.NewReader(data), max)
		if err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Fatalf("ended with %v", err)
		}
		for _, r := range records {
			for _, own := range []bool{true, false} {
				size := 0
				for name, values := range r.Fields {
					if strings.HasPrefix(name, "_") == own {
						size += len(strings.Join(values, ""))
					}
				}
				if size > max {
					t.Fatalf("%d bytes are kept, of %d", size, max)
				}
			}
			if r.Cursor == "" {
				t.Fatal("a record without a cursor")
			}
		}
		for _, line := range bytes.Split(data, []byte("\n")) {
			if want, ok := reference(line); ok {
				got, garbage, err := journal.ReadRecords(bytes.NewReader(line), 1<<20)
				if len(got) != 1 || garbage != 0 || err != io.EOF || !reflect.DeepEqual(got[0].Fields, want) {
					t.Fatalf("%q: %+v, %d, %v; want %q", line, got, garbage, err, want)
				}
			}
		}
	})
}

// reference reads a line with encoding/json; ok is false where it is none of journalctl's.
func reference(line []byte) (fields map[string][]string, ok bool) {
	names := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, false
	}
	fields = map[string][]string{}
	for d.More() {
		token, err := d.Token()
		name, isName := token.(string)
		if err != nil || !isName || name == "" || len(name) > 64 {
			return nil, false
		}
		if names[name]++; names[name] > 1 {
			return nil, false
		}
		var value any
		if d.Decode(&value) != nil {
			return nil, false
		}
		values, err := flatten(value)
		if err != nil {
			return nil, false
		}
		if name == "__CURSOR" {
			ok = len(values) == 1 && values[0] != "" && len(values[0]) < 1024
		} else if len(values) > 0 && name != "__REALTIME_TIMESTAMP" {
			fields[name] = values
		}
	}
	if end, err := d.Token(); err != nil || end != json.Delim('}') || len(line) > 1<<10 {
		return nil, false
	}
	return fields, ok && utf8.Valid(line) // the other one mends what is not
}

func flatten(value any) (values []string, err error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []any:
		if b, ok := asBytes(v); ok {
			return []string{b}, nil
		}
		for _, one := range v {
			if list, isList := one.([]any); isList {
				b, ok := asBytes(list)
				if !ok {
					return nil, fmt.Errorf("an array in an array in an array")
				}
				values = append(values, b)
				continue
			}
			more, err := flatten(one)
			if err != nil {
				return nil, err
			}
			values = append(values, more...)
		}
		return values, nil
	}
	return nil, fmt.Errorf("%T", value)
}

func asBytes(list []any) (string, bool) {
	b := []byte{}
	for _, one := range list {
		number, _ := one.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, 8) // no sign, point or exponent
		if err != nil {
			return "", false
		}
		b = append(b, byte(n))
	}
	return string(b), true
}
