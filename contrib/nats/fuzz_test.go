package nats

import (
	"net/url"
	"testing"
)

func FuzzWhatIsEscapedIsHarmlessAndComesBack(f *testing.F) {
	for _, s := range []string{"", "/a?b=c%2F", " \r\n\x00\xff", "Name: value", "日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		safe := escape(s)
		for _, c := range []byte(safe) {
			if c <= ' ' || c >= 0x7f || c == ':' {
				t.Fatalf("%q becomes %q", s, safe)
			}
		}
		if back, err := url.PathUnescape(safe); err != nil || back != s {
			t.Errorf("%q comes back as %q, %v", s, back, err)
		}
	})
}
