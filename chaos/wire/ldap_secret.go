package wire

import "bytes"

// ldapName looks for the name of an attribute that holds a password, in what one side says: userPassword,
// unicodePwd, olcRootPW. Values that have such a word in them are taken for one, too: what follows is
// hidden without need. It holds the last bytes so far, so that a name may come in pieces.
type ldapName [len("pass")]byte

// find says how many bytes of data there are up to a name, or all of them if there is none.
func (l *ldapName) find(data []byte) (n int, found bool) {
	n = len(data)
	for _, w := range [...]byte{'w', 'W'} {
		for from := 0; ; {
			i := bytes.IndexByte(data[from:n], w)
			if i < 0 {
				break
			}
			from += i + 1
			if l.after(data[:from-1]).named() {
				n, found = from, true
				break
			}
		}
	}
	*l = l.after(data[:n])
	return n, found
}

// after is the last bytes if data comes next.
func (l *ldapName) after(data []byte) (next ldapName) {
	kept := copy(next[:], l[min(len(data), len(l)):])
	copy(next[kept:], data[len(data)-(len(l)-kept):])
	return next
}

// named says whether w makes a name of it.
func (l ldapName) named() bool {
	for i := range l {
		l[i] |= 'a' - 'A'
	}
	return l[len(l)-1] == 'p' || string(l[:]) == "pass"
}
