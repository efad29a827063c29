// Package field knows what the name of a header field may be.
package field

// IsToken reports whether s is a token, as names of fields and methods are (RFC
// 9110, section 5.6.2).
func IsToken(s string) bool {
	for i := range len(s) {
		if !IsTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

// IsTokenByte reports whether c may stand in a token.
func IsTokenByte(c byte) bool { return tokenByte[c] }

var tokenByte = func() (is [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		is[c] = true
	}
	return is
}()
