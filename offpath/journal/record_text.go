package journal

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string from behind its opening quote, and appends at most limit bytes of it to value. It
// does not cut within a character.
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
