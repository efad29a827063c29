// Package field knows what the name of a header field may be.
package field

import "strings"

// IsToken reports whether s is a token, as names of fields and methods are (RFC
// 9110, section 5.6.2).
func IsToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}
