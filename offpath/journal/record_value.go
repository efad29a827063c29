package journal

import "strings"

// A field reads the values of one field.
type field struct {
	d    *recordReader
	name string
	skip bool // nothing of it is kept
}

// read reads what begins with c.
func (f field) read(c byte) error {
	switch c {
	case '"':
		value, cut, err := f.d.text(nil, f.limit())
		if err == nil {
			f.add(value, cut)
		}
		return err
	case 'n':
		return f.null()
	case '[':
		return f.several()
	}
	return f.d.unexpected(c, "a string, an array or null")
}

// several reads an array: of bytes, which are one value, or of values.
func (f field) several() error {
	c, err := f.d.inner()
	switch {
	case err != nil:
		return err
	case c == ']': // no bytes at all
		f.add(nil, false)
		return nil
	case isDigit(c):
		return f.binary(c)
	}
	for {
		if c == '[' {
			if c, err = f.d.inner(); err != nil {
				return err
			}
			if c == ']' {
				f.add(nil, false)
			} else if err = f.binary(c); err != nil {
				return err
			}
		} else if c == '"' || c == 'n' {
			if err = f.read(c); err != nil {
				return err
			}
		} else {
			return f.d.unexpected(c, "a string, an array of bytes or null")
		}
		switch c, err = f.d.inner(); {
		case err != nil || c == ']':
			return err
		case c != ',':
			return f.d.unexpected(c, ", or ]")
		}
		if c, err = f.d.inner(); err != nil {
			return err
		}
	}
}

// binary reads the bytes of one value, of which c is the first digit.
func (f field) binary(c byte) (err error) {
	var value []byte
	limit, cut := f.limit(), false
	for {
		n := 0
		digits := 0
		for ; isDigit(c); digits++ {
			if n = n*10 + int(c-'0'); n > 255 {
				return f.d.unexpected(c, "a byte")
			}
			if c, err = f.d.r.ReadByte(); err != nil {
				return err
			}
		}
		if digits == 0 {
			return f.d.unexpected(c, "a byte")
		}
		if len(value) < limit {
			value = append(value, byte(n))
		} else {
			cut = true
		}
		if c == ' ' {
			if c, err = f.d.inner(); err != nil {
				return err
			}
		}
		switch c {
		case ']':
			f.add(value, cut)
			return nil
		case ',':
		default:
			return f.d.unexpected(c, ", or ]")
		}
		if c, err = f.d.inner(); err != nil {
			return err
		}
	}
}

// null reads what is left of the word: a value that journalctl has left out.
func (f field) null() error {
	for _, want := range []byte("ull") {
		c, err := f.d.r.ReadByte()
		if err != nil {
			return err
		}
		if c != want {
			return f.d.unexpected(c, "null")
		}
	}
	f.d.record.Truncated = true
	return nil
}

// room is which budget a field draws on: journald's fields have one that no sender can use up.
func (f field) room() *int {
	if strings.HasPrefix(f.name, "_") {
		return &f.d.room[1]
	}
	return &f.d.room[0]
}

// own says whether it is a field that every Record needs, and that counts for no budget.
func (f field) own() bool { return f.name == fieldCursor || f.name == fieldTime }

// limit is how many bytes of the next value are kept.
func (f field) limit() int {
	switch {
	case f.own():
		return maxCursor
	case f.skip || f.d.values == 0:
		return 0
	}
	return *f.room()
}

// add notes a value of which no more than limit bytes were kept.
func (f field) add(value []byte, cut bool) {
	if f.own() {
		if !cut { // half a cursor is none
			f.d.keep(f.name, value)
		}
		return
	}
	full := f.skip || f.d.values == 0
	if cut || full {
		f.d.record.Truncated = true
	}
	if full || cut && len(value) == 0 {
		return
	}
	f.d.values--
	*f.room() -= len(value)
	f.d.keep(f.name, value)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
