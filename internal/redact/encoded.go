package redact

import "strings"

// maxDepth is how many layers of percent-encoding are looked into. What has more is redacted whole.
const maxDepth = 3

// encoded is a piece of text in which secrets that are percent-encoded are redacted: each run of it
// without white space, quotes and separators is decoded, and encoded again if there was one.
func (l List) encoded(s string, depth int) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for s != "" {
		if rest, ok := strings.CutPrefix(s, Mark); ok {
			b.WriteString(Mark)
			s = rest
			continue
		}
		end := strings.IndexAny(s, " \t\r\n\"'`&;<>=?#")
		if end < 0 {
			end = len(s)
		}
		if mark := strings.Index(s[:end], Mark); mark >= 0 {
			b.WriteString(l.run(s[:mark], depth))
			s = s[mark:]
			continue
		}
		b.WriteString(l.run(s[:end], depth))
		if end < len(s) {
			b.WriteByte(s[end])
			end++
		}
		s = s[end:]
	}
	return b.String()
}

func (l List) run(run string, depth int) string {
	decoded := strings.ToValidUTF8(decode(run), "\uFFFD")
	if decoded == run {
		return run
	}
	if depth == 0 {
		if strings.Contains(run, "%") {
			return Mark
		}
		return run
	}
	if clean := l.text(decoded, depth-1); clean != decoded {
		return encode(clean)
	}
	return run
}

// encode encodes all that may not be in a word.
func encode(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == ' ':
			b.WriteByte('+')
		case c < 0x80 && wordByte(c) && c != '%' && c != '+':
			b.WriteByte(c)
		default:
			escape(&b, c)
		}
	}
	return b.String()
}

func escape(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.Write([]byte{'%', digits[c>>4], digits[c&15]})
}

// decode undoes one layer of percent-encoding, and leaves alone what is not properly encoded.
func decode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16:
			b = append(b, hex(s[i+1])<<4|hex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// hex is the value of a hexadecimal digit, or 16.
func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
