package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

const (
	// maxCursor is far more than a cursor of today has, about 160 bytes.
	maxCursor = 1 << 10
	// maxValues is how many values a record may have: twice the fields that journald takes for one.
	maxValues = 2048
	// window is how much of the output is read at a time.
	window = 64 << 10
)

// The fields that are a Record's own.
const (
	fieldCursor = "__CURSOR"
	fieldTime   = "__REALTIME_TIMESTAMP"
)

// A garbageError says that a line of journalctl's output is none of its JSON. The reader is behind the line.
type garbageError struct{ reason string }

func (e *garbageError) Error() string {
	return "journal: a line of journalctl's output cannot be read and is left out: " + e.reason
}

// A recordReader reads the output of journalctl -o json: an object on each line, whose members are a
// string, an array of bytes as numbers where that is no text, null where it is too long without --all,
// or an array of these where a field has several values. It reads as it goes and keeps no more than max
// bytes of a record's values, so that the length of a line is no concern.
type recordReader struct {
	r      *bufio.Reader
	max    int
	record Record
	values int
	room   [2]int // bytes that may still be kept: of the sender's fields, of journald's
}

func newRecordReader(r io.Reader, max int) *recordReader {
	return &recordReader{r: bufio.NewReaderSize(r, window), max: max}
}

// next reads one record. [io.EOF] is the end of the output, [io.ErrUnexpectedEOF] one in the midst of a
// record; after a garbageError the next line can be read.
func (d *recordReader) next() (Record, error) {
	d.record = Record{Fields: map[string][]string{}}
	d.values = maxValues
	d.room = [2]int{d.max, d.max}
	c, err := d.token()
	if err != nil {
		return Record{}, err // io.EOF: between two records
	}
	if c != '{' {
		err = d.unexpected(c, "{")
	} else {
		err = d.members()
	}
	if err == nil && d.record.Cursor == "" {
		err = &garbageError{"it has no cursor"}
	}
	var garbage *garbageError
	switch {
	case err == nil:
		return d.record, d.endOfLine()
	case errors.As(err, &garbage):
		if skipped := d.skipLine(); skipped != nil && skipped != io.EOF {
			return Record{}, skipped
		}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return Record{}, err
}

// members reads from behind { to behind }.
func (d *recordReader) members() error {
	c, err := d.inner()
	if err != nil || c == '}' {
		return err
	}
	for {
		if c != '"' {
			return d.unexpected(c, "the name of a field")
		}
		name, cut, err := d.text(nil, maxName)
		if err != nil {
			return err
		}
		if err := d.expect(':'); err != nil {
			return err
		}
		if err := d.member(string(name), cut); err != nil {
			return err
		}
		switch c, err = d.inner(); {
		case err != nil || c == '}':
			return err
		case c != ',':
			return d.unexpected(c, ", or }")
		}
		if c, err = d.inner(); err != nil {
			return err
		}
	}
}

// member reads what belongs to a name. It is left out where the name is longer than any that journald accepts.
func (d *recordReader) member(name string, cut bool) error {
	c, err := d.inner()
	if err != nil {
		return err
	}
	f := field{d: d, name: name, skip: cut || len(name) == 0}
	if f.skip {
		d.record.Truncated = true
	}
	return f.read(c)
}

// keep notes one value of a field.
func (d *recordReader) keep(name string, value []byte) {
	switch name {
	case fieldCursor:
		d.record.Cursor = string(value)
	case fieldTime:
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
			d.record.Time = time.UnixMicro(n).UTC()
		}
	default:
		d.record.Fields[name] = append(d.record.Fields[name], string(value))
	}
}

// inner is the next byte of a line that is no white space.
func (d *recordReader) inner() (byte, error) {
	for {
		c, err := d.r.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == '\n':
			return 0, d.unexpected(c, "more")
		case c != ' ' && c != '\t' && c != '\r':
			return c, nil
		}
	}
}

// token is the next byte that is no white space, on whatever line.
func (d *recordReader) token() (byte, error) {
	for {
		c, err := d.r.ReadByte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

func (d *recordReader) expect(want byte) error {
	c, err := d.inner()
	if err == nil && c != want {
		err = d.unexpected(c, string(want))
	}
	return err
}

// unexpected gives c back, which may be the end of the line.
func (d *recordReader) unexpected(c byte, want string) error {
	if err := d.r.UnreadByte(); err != nil {
		return err
	}
	return &garbageError{fmt.Sprintf("there is %q where %s should be", c, want)}
}

// endOfLine reads to the next line after a record. Records are on a line each, so that all that follows on
// one is garbage; it is left out without a word, since the record was whole.
func (d *recordReader) endOfLine() error {
	if err := d.skipLine(); err != nil && err != io.EOF {
		return err
	}
	return nil
}

func (d *recordReader) skipLine() error {
	for {
		_, err := d.r.ReadSlice('\n')
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}
