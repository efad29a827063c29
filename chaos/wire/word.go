package wire

// upper writes a word in capitals into buf; nothing where it is longer.
func upper(word, buf []byte) []byte {
	if len(word) > len(buf) {
		return nil
	}
	for i, c := range word {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(word)]
}
