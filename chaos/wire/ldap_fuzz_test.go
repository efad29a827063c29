package wire_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func FuzzLDAP(f *testing.F) {
	fuzz(f, wire.LDAP,
		redisTalk(ldapMessage(1, 0x60, "x"), ldapResult(1, 0x61, 0), ldapMessage(2, 0x63, "a")+ldapMessage(3, 0x50, "\x02"),
			ldapMessage(2, 0x64, "entry")+ldapResult(0, 0x78, 52), ldapMessage(4, 0x42)),
		redisTalk(ldapMessage(1, 0x77, tlv(0x80, startTLS)), ldapResult(1, 0x78, 0), "\x16\x03\x01"),
		redisTalk(ldapMessage(1, 0x66, "x")+ldapMessage(2, 0x6e, "x"), ldapResult(2, 0x6f, 6)+ldapResult(1, 0x67, 0)),
	)
}

// BenchmarkLDAP follows searches with one entry.
func BenchmarkLDAP(b *testing.B) {
	talk := wire.LDAP.Follow()
	search := []byte(ldapMessage(2, 0x63, strings.Repeat("x", 60)))
	answer := []byte(ldapMessage(2, 0x64, strings.Repeat("x", 300)) + ldapResult(2, 0x65, 0))
	b.ReportAllocs()
	for b.Loop() {
		followAll(b, talk.Client, search)
		followAll(b, talk.Server, answer)
	}
}
