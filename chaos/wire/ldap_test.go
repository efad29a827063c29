package wire_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// tlv writes an element of BER.
func tlv(tag byte, parts ...string) string {
	content := strings.Join(parts, "")
	size := string([]byte{byte(len(content))})
	switch {
	case len(content) > 0xffff:
		size = "\x84" + string(binary.BigEndian.AppendUint32(nil, uint32(len(content))))
	case len(content) > 0xff:
		size = "\x82" + string([]byte{byte(len(content) >> 8), byte(len(content))})
	case len(content) > 0x7f:
		size = "\x81" + size
	}
	return string([]byte{tag}) + size + content
}

// ldapMessage writes a message with a number that needs two bytes.
func ldapMessage(id int, operation byte, content ...string) string {
	return tlv(0x30, tlv(0x02, string([]byte{byte(id >> 8), byte(id)})), tlv(operation, content...))
}

// ldapResult writes what ends an answer.
func ldapResult(id int, operation, code byte) string {
	return ldapMessage(id, operation, tlv(0x0a, string([]byte{code})), tlv(0x04), tlv(0x04))
}

const (
	startTLS       = "1.3.6.1.4.1.1466.20037"
	passwordModify = "1.3.6.1.4.1.4203.1.11.1"
)

func TestLDAPEachOperationHasItsResult(t *testing.T) {
	for operation, result := range map[byte]byte{0x60: 0x61, 0x63: 0x65, 0x66: 0x67, 0x68: 0x69, 0x4a: 0x6b, 0x6c: 0x6d, 0x6e: 0x6f, 0x77: 0x78} {
		secret := ""
		if strings.IndexByte("\x60\x66\x68\x6e", operation) >= 0 {
			secret = " secret=15"
		}
		asked, answered := ldapMessage(300, operation, "content"), ldapResult(300, result, 0)
		understood(t, wire.LDAP, redisTalk(asked, answered, asked, answered),
			"request 15 id=301"+secret, "answer 15 id=301", "request 15 id=301"+secret, "answer 15 id=301")
		understood(t, wire.LDAP, []turn{refused(asked, wire.Why{Message: "no"}), refused(asked, wire.Why{Code: "unavailable", Pick: 4}), client(asked), server(answered)},
			fmt.Sprintf("request 15 id=301%s refused %q", secret, "0\x0f\x02\x02\x01\x2c"+tlv(result, "\x0a\x01\x33\x04\x00\x04\x02no")),
			fmt.Sprintf("request 15 id=301%s refused %q", secret, "0\x0d\x02\x02\x01\x2c"+tlv(result, "\x0a\x01\x34\x04\x00\x04\x00")),
			"request 15 id=301"+secret, "answer 15 id=301")
		wrong := ldapResult(300, 0x61, 0)
		if result == 0x61 {
			wrong = ldapResult(300, 0x65, 0)
		}
		understood(t, wire.LDAP, redisTalk(asked, wrong), "request 15 id=301"+secret, "server opaque")
	}
}

func TestLDAPConversations(t *testing.T) {
	entry := ldapMessage(2, 0x64, strings.Repeat("x", 70_000))
	for name, c := range map[string]struct {
		talk []turn
		want []string
	}{
		"searches that overtake each other": {
			redisTalk(ldapMessage(2, 0x63, "a")+ldapMessage(3, 0x63, "b"),
				entry+ldapMessage(3, 0x73, "ref")+ldapMessage(3, 0x79)+ldapResult(3, 0x65, 0)+entry+ldapResult(2, 0x65, 32)),
			[]string{"request 9 id=3", "request 9 id=4", "answer 70016… id=3", "answer 34 id=4", "…answer 70031 id=3"},
		},
		"a search that is abandoned": {
			redisTalk(ldapMessage(2, 0x63, "a"), ldapMessage(2, 0x64, "x"), ldapMessage(3, 0x50, "\x02")+ldapMessage(4, 0x4a, "dn"), ldapResult(4, 0x6b, 0)),
			[]string{"request 9 id=3", "answer 9… id=3", "request 9 id=4 silent", "request 10 id=5", "answer 15 id=5"},
		},
		"an answer that came before it was abandoned": {
			redisTalk(ldapMessage(2, 0x63, "a")+ldapMessage(3, 0x50, "\x02"), ldapResult(2, 0x65, 0), ldapMessage(2, 0x63, "a"), ldapResult(2, 0x65, 0)),
			[]string{"request 9 id=3", "request 9 id=4 silent", "answer 15 id=3", "request 9 id=3", "answer 15 id=3"},
		},
		"a number used again after it was abandoned": {
			redisTalk(ldapMessage(2, 0x63, "a")+ldapMessage(3, 0x50, "\x02")+ldapMessage(2, 0x4a, "a"), ldapResult(2, 0x6b, 0)),
			[]string{"request 9 id=3", "request 9 id=4 silent", "request 9 id=3", "answer 15 id=3"},
		},
		"what the server says by itself": {
			redisTalk(ldapMessage(1, 0x60, "x"), ldapResult(1, 0x61, 0)+ldapResult(0, 0x78, 52), ldapMessage(2, 0x42)),
			[]string{"request 9 id=2 secret=9", "answer 15 id=2", "server 15", "request 8 id=3 silent"},
		},
		"SASL in several steps": {
			redisTalk(ldapMessage(1, 0x60, "x"), ldapResult(1, 0x61, 14), ldapMessage(2, 0x60, "y"), ldapResult(2, 0x61, 0), "\x00\x00\x00\x10"),
			[]string{"request 9 id=2 secret=9", "answer 15 id=2", "request 9 id=3 secret=9", "answer 15 id=3", "client opaque"},
		},
		"TLS": {
			redisTalk(ldapMessage(1, 0x77, tlv(0x80, startTLS)), ldapResult(1, 0x78, 0), "\x16\x03\x01"),
			[]string{"request 32 id=2", "answer 15 id=2", "client opaque"},
		},
		"no TLS": {
			redisTalk(ldapMessage(1, 0x77, tlv(0x80, startTLS)), ldapResult(1, 0x78, 52), ldapMessage(2, 0x63, "a")),
			[]string{"request 32 id=2", "answer 15 id=2", "request 9 id=3"},
		},
		"a new password": {
			redisTalk(ldapMessage(1, 0x77, tlv(0x80, passwordModify), "pw"), ldapResult(1, 0x78, 0)),
			[]string{"request 35 id=2 secret=35", "answer 15 id=2 secret=15"},
		},
		"controls, and lengths longer than they need be": {
			redisTalk("\x30\x84\x00\x00\x00\x0d\x02\x01\x01\x63\x83\x00\x00\x01x\xa0\x02\x30\x00\x30"),
			[]string{"request 19 id=2", "client keeps 1"},
		},
	} {
		t.Run(name, func(t *testing.T) { understood(t, wire.LDAP, c.talk, c.want...) })
	}
}

func TestLDAPWhatIsNotUnderstoodIsOpaque(t *testing.T) {
	for _, said := range []string{
		"\x16\x03\x01", "\x30\x80\x02", "\x30\x85", "\x30\x84\xff\xff\xff\xff", "\x30\x04\x02\x01\x01\x42", "\x30\x05\x04\x01\x01\x42\x00",
		"\x30\x06\x02\x01\xff\x63\x01x", "\x30\x05\x02\x01\x00\x42\x00", "\x30\x06\x02\x01\x01\x63\x02x", "\x30\x0a\x02\x05\x00\x00\x00\x00\x01\x63\x01x",
		"\x30\x05\x02\x00\x63\x01x", "\x30\x06\x02\x01\x01\x61\x01x", "\x30\x06\x02\x01\x01\x63\x80x", "\x30\x06\x02\x01\x01\x63\x84x",
	} {
		understood(t, wire.LDAP, []turn{client(said)}, "client opaque")
	}
	understood(t, wire.LDAP, redisTalk(ldapMessage(1, 0x4a, "a"), ldapMessage(1, 0x64, "x")), "request 9 id=2", "server opaque")
	understood(t, wire.LDAP, redisTalk(ldapMessage(1, 0x4a, "a")+ldapMessage(1, 0x4a, "a")), "request 9 id=2", "client opaque")
}

func TestLDAPForgetsTheOldestAndFirstWhatWasAbandoned(t *testing.T) {
	talk := wire.LDAP.Follow()
	say := func(message string) wire.Part { return talk.Client([]byte(message)) }
	message := func(id int, operation byte, content string) string {
		return tlv(0x30, tlv(0x02, string(binary.BigEndian.AppendUint32(nil, uint32(id)))), tlv(operation, content))
	}
	forgotten := func(id int) bool {
		part := talk.Server([]byte(message(id, 0x65, "\x0a\x01\x00")))
		if part.Opaque {
			t.Fatal("the answer is not understood:", id)
		}
		return !part.End
	}
	const most = 1000
	for id := 1; id <= 10*most; id++ {
		if say(message(id, 0x63, "x")).Opaque {
			t.Fatal("not understood: search", id)
		}
	}
	if !forgotten(9 * most) {
		t.Error("more than 1,000 requests are noted at once")
	}
	say(message(1<<20, 0x50, tooMany))
	say(message(1<<21, 0x63, "x"))
	if !forgotten(10 * most) {
		t.Error("one that was abandoned is still noted, and another is not")
	}
	if forgotten(9*most+1) || forgotten(1<<21) {
		t.Error("one that was not abandoned is forgotten for one that was")
	}
}

// tooMany is the number of the last search there, 10,000.
const tooMany = "\x27\x10"

// A failed BIND makes the client anonymous, and the server has not seen it.
func TestLDAPARefusedBindEndsWhatAnotherHasBegun(t *testing.T) {
	bind := func(id int) string { return ldapMessage(id, 0x60, "x") }
	no := func(id byte) string {
		return fmt.Sprintf("refused %q", "0\x0c\x02\x01"+string(rune(id))+"\x61\x07\x0a\x01\x33\x04\x00\x04\x00")
	}
	understood(t, wire.LDAP, []turn{client(bind(1)), server(ldapResult(1, 0x61, 0)), refused(ldapMessage(2, 0x6c, "x")+bind(3), wire.Why{})},
		"request 9 id=2 secret=9", "answer 15 id=2", fmt.Sprintf("request 9 id=3 refused %q", "0\x0c\x02\x01\x02\x6d\x07\x0a\x01\x33\x04\x00\x04\x00"),
		"request… id=4 "+no(3)+" close")
	understood(t, wire.LDAP, []turn{client(bind(1)), refused(bind(2), wire.Why{})}, "request 9 id=2 secret=9", "request… id=3 "+no(2)+" close")
	for _, code := range []byte{14, 49} { // a step of SASL, and a wrong password
		understood(t, wire.LDAP, []turn{refused(bind(1), wire.Why{}), client(bind(2)), server(ldapResult(2, 0x61, code)), refused(bind(3), wire.Why{})},
			"request 9 id=2 secret=9 "+no(1), "request 9 id=3 secret=9", "answer 15 id=3", "request 9 id=4 secret=9 "+no(3))
	}
}

func TestLDAPShowsNoPassword(t *testing.T) {
	search := ldapMessage(2, 0x63, "a")
	for entry, hidden := range map[string]int{
		"cn: a":                   0,
		"userPassword: hush":      len("ord: hush"),
		"USERPASSWORD;x: hush":    len("ORD;x: hush"),
		"unicodePwd: hush":        len("d: hush"),
		"olcRootPW":               0,
		"olcRootPw: x, cn: a":     len(": x, cn: a"),
		"WwWw: passive, pas swim": 0,
		strings.Repeat("W", 70_000) + strings.Repeat("w", 70_000) + "pw: hush": len(": hush"),
	} {
		said := ldapMessage(2, 0x64, entry)
		secret := ""
		if hidden > 0 {
			secret = fmt.Sprintf(" secret=%d", hidden)
		}
		understood(t, wire.LDAP, redisTalk(search, said), "request 9 id=3", fmt.Sprintf("answer %d… id=3%s", len(said), secret))
	}
	understood(t, wire.LDAP, redisTalk(ldapMessage(2, 0x63, "(userPassword=hush)")), "request 27 id=3 secret=9")
	talk := wire.LDAP.Follow()
	if part := talk.Client([]byte("\x16")); !part.Opaque || !part.Secret {
		t.Errorf("opaque, and yet %+v", part)
	}
}

func TestLDAPAMessageThatGoesOnSaysSo(t *testing.T) {
	talk := wire.LDAP.Follow()
	talk.Client([]byte(ldapMessage(1, 0x63, "a")))
	entry := []byte(ldapMessage(1, 0x64, strings.Repeat("x", 300)))
	if first, last := talk.Server(entry[:100]), talk.Server(entry[100:]); first != (wire.Part{N: 100, Begin: true, ID: 2, More: true}) ||
		last != (wire.Part{N: len(entry) - 100, ID: 2}) {
		t.Errorf("understood %+v and %+v", first, last)
	}
}

func TestLDAPRefusesWithALongMessage(t *testing.T) {
	talk := wire.LDAP.Follow()
	talk.Client([]byte(ldapMessage(0x100, 0x63, "a")))
	long := strings.Repeat("x", 200)
	got := string(talk.Refuse(wire.Why{Code: "80", Message: long + "\n"}).Bytes)
	result := "\x0a\x01\x50\x04\x00\x04\x84\x00\x00\x00\xc9" + long + " "
	if want := "\x30\x84\x00\x00\x00\xde\x02\x02\x01\x00\x65\x84\x00\x00\x00\xd4" + result; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestLDAPRefusesByTheShortestNumber(t *testing.T) {
	for id, number := range map[int]string{1: "\x02\x01\x01", 0x7f: "\x02\x01\x7f", 0x80: "\x02\x02\x00\x80", 0x7fff: "\x02\x02\x7f\xff"} {
		talk := wire.LDAP.Follow()
		talk.Client([]byte(ldapMessage(id, 0x63, "a")))
		if got := string(talk.Refuse(wire.Why{}).Bytes); !strings.Contains(got, number+"\x65") {
			t.Errorf("message %d: said %q", id, got)
		}
	}
}

func TestLDAPChecksTheCode(t *testing.T) {
	for code, ok := range map[string]bool{"": true, "busy": true, "51": true, "unwillingToPerform": true, "0": false, "success": false, "14": false,
		"compareTrue": false, "Busy": false, "999": false, "051": false} {
		if err := wire.LDAP.Check(wire.Why{Code: code}); (err == nil) != ok {
			t.Errorf("code %q: %v", code, err)
		}
	}
}
