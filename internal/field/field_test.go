package field_test

import (
	"testing"

	"github.com/heeler-go/heeler/internal/field"
)

func TestATokenIsWhatRFC9110Lists(t *testing.T) {
	const marks = "!#$%&'*+-.^_`|~"
	for c := range 256 {
		want := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		for _, mark := range marks {
			want = want || c == int(mark)
		}
		for _, s := range []string{string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'})} {
			if field.IsToken(s) != want {
				t.Errorf("%q: %v, want %v", s, !want, want)
			}
		}
	}
	for _, s := range []string{"", "\u212a", "X-Bac\u212aoff", "é"} {
		if field.IsToken(s) {
			t.Errorf("%q is taken for a token", s)
		}
	}
}
