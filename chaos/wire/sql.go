package wire

import "bytes"

// sqlHead is how much of a statement is looked at, in bytes.
const sqlHead = 4 << 10

// A statement is what one sees of SQL without understanding it.
type statement struct {
	rows    bool // it reads or changes rows, and cannot end a transaction
	several bool // another may follow it, behind a semicolon
	secret  bool // it may have a password
}

// readSQL looks at a statement, or at the beginning of one that is not whole. What it does not recognise
// has no rows, and is secret unless all of it was seen to have no word of passwords.
func readSQL(sql []byte, whole bool) statement {
	var word [8]byte
	start := skipComments(sql)
	end := 0
	for end < len(start) && end < len(word) && letter(start[end]) {
		end++
	}
	var s statement
	switch string(upper(start[:end], word[:])) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH":
		s.rows = true
	}
	second := false
	if i := bytes.IndexByte(sql, ';'); i >= 0 {
		second = len(bytes.TrimLeft(sql[i:], "; \t\r\n")) > 0
	}
	s.several = second || !whole
	if !s.rows || second {
		s.secret = !s.rows && !whole || namesPassword(sql)
	}
	return s
}

// skipComments gives what is behind the comments at the beginning of a statement; nothing where
// that is not seen. A comment of MySQL's that is executed is none, nor is one with another in it.
func skipComments(sql []byte) []byte {
	for {
		sql = bytes.TrimLeft(sql, " \t\r\n\f\v")
		var end string
		switch {
		case bytes.HasPrefix(sql, []byte("/*")):
			end = "*/"
		case bytes.HasPrefix(sql, []byte("--")), bytes.HasPrefix(sql, []byte("#")):
			end = "\n"
		default:
			return sql
		}
		comment, rest, ok := bytes.Cut(sql[1:], []byte(end))
		executed := bytes.HasPrefix(comment, []byte("*!")) || bytes.HasPrefix(comment, []byte("*M!"))
		if !ok || executed || end == "*/" && bytes.Contains(comment, []byte("/*")) {
			return nil
		}
		sql = rest
	}
}

// namesPassword says whether a statement has a word with which passwords are set.
func namesPassword(sql []byte) bool {
	for i, c := range sql {
		switch c {
		case 'p', 'P':
			if begins(sql[i:], "PASSWORD") {
				return true
			}
		case 'i', 'I':
			if begins(sql[i:], "IDENTIFIED") {
				return true
			}
		}
	}
	return false
}

// begins says whether text has the word, in letters of either case, at its beginning.
func begins(text []byte, word string) bool {
	return len(text) >= len(word) && bytes.EqualFold(text[:len(word)], []byte(word))
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
