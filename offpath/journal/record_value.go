package journal

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

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

// text reads a string from behind its opening quote, and appends at most limit bytes of it to value. It does not
// cut within a character.
func (d *recordReader) text(value []byte, limit int) (_ []byte, cut bool, err error) {
	var char [utf8.UTFMax]byte
	for {
		c, err := d.r.ReadByte()
		if err != nil {
			return nil, false, err
		}
		one := char[:1]
		one[0] = c
		switch c {
		case '"':
			if cut {
				value = wholeCharacters(value)
			}
			return value, cut, nil
		case '\n':
			return nil, false, d.unexpected(c, "the end of a string")
		case '\\':
			if one, err = d.escaped(char[:0]); err != nil {
				return nil, false, err
			}
		}
		if cut = cut || len(value)+len(one) > limit; !cut {
			value = append(value, one...)
		}
	}
}

// wholeCharacters leaves out the first bytes of a character whose others were cut off.
func wholeCharacters(value []byte) []byte {
	for i := len(value) - 1; i >= 0 && i > len(value)-utf8.UTFMax; i-- {
		if utf8.RuneStart(value[i]) {
			if !utf8.FullRune(value[i:]) {
				return value[:i]
			}
			break
		}
	}
	return value
}

// escaped appends the character of an escape, from behind its backslash.
func (d *recordReader) escaped(to []byte) ([]byte, error) {
	c, err := d.r.ReadByte()
	if err != nil {
		return nil, err
	}
	switch c {
	case '"', '\\', '/':
		return append(to, c), nil
	case 'b':
		return append(to, '\b'), nil
	case 'f':
		return append(to, '\f'), nil
	case 'n':
		return append(to, '\n'), nil
	case 'r':
		return append(to, '\r'), nil
	case 't':
		return append(to, '\t'), nil
	case 'u':
		unit, err := d.unit()
		if err != nil {
			return nil, err
		}
		if !utf16.IsSurrogate(unit) {
			return utf8.AppendRune(to, unit), nil
		}
		return utf8.AppendRune(to, utf16.DecodeRune(unit, d.second())), nil
	}
	return nil, d.unexpected(c, "an escape")
}

// unit reads the four hexadecimal digits of \u.
func (d *recordReader) unit() (unit rune, err error) {
	for range 4 {
		c, err := d.r.ReadByte()
		if err != nil {
			return 0, err
		}
		n := hexDigit(c)
		if n < 0 {
			return 0, d.unexpected(c, "a hexadecimal digit")
		}
		unit = unit<<4 | n
	}
	return unit, nil
}

// second reads the other half of a pair of \u, if it is there.
func (d *recordReader) second() (unit rune) {
	ahead, _ := d.r.Peek(6)
	if len(ahead) < 6 || ahead[0] != '\\' || ahead[1] != 'u' {
		return utf8.RuneError
	}
	for _, c := range ahead[2:] {
		n := hexDigit(c)
		if n < 0 {
			return utf8.RuneError
		}
		unit = unit<<4 | n
	}
	if unit < 0xdc00 || unit > 0xdfff {
		return utf8.RuneError // a character of its own
	}
	_, _ = d.r.Discard(6)
	return unit
}

func hexDigit(c byte) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case c >= 'a' && c <= 'f':
		return rune(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}
