package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// LDAP is RFC 4511. Answers may overtake each other, so requests and answers have an ID, one more than
// LDAP's own. A search's answer is all its entries, references and the result at their end; where a
// search does not end, neither does its answer. ABANDON and UNBIND are Silent, and what is abandoned may
// never be answered. Of more than 1,000 requests without a complete answer the oldest is forgotten, those
// that were abandoned before others; what the server still says to it is outside, as all is that it says
// by itself. After StartTLS, and under a security layer of SASL, the connection is Opaque, and Secret
// since BIND may follow.
//
// Requests to bind, modify, add and compare are Secret, and in any message all that follows a name with
// "passw" or "pw" in it, such as userPassword and unicodePwd.
//
// A failed BIND leaves a client without its former identity (RFC 4513 section 4), but a server that has
// not seen it knows nothing of that: refused after a successful one it closes the connection.
//
// Why.Code is a result code by name or number, "busy" or "51"; empty is busy or, as Pick has it,
// unavailable.
var LDAP Protocol = ldap{}

type ldap struct{}

func (ldap) Name() string { return "ldap" }

func (ldap) Follow() Conversation { return &ldapTalk{asked: map[uint32]ldapAsked{}} }

func (ldap) Check(why Why) error {
	if _, ok := ldapCode(why); !ok {
		return fmt.Errorf("wire: ldap: Code is %q, want the name or number of an error of RFC 4511, such as busy or 51", why.Code)
	}
	return nil
}

// ldapErrors are the result codes of RFC 4511 section 4.1.9 that are errors.
var ldapErrors = [...]string{
	1: "operationsError", 2: "protocolError", 3: "timeLimitExceeded", 4: "sizeLimitExceeded",
	7: "authMethodNotSupported", 8: "strongerAuthRequired", 11: "adminLimitExceeded",
	12: "unavailableCriticalExtension", 13: "confidentialityRequired", 16: "noSuchAttribute",
	17: "undefinedAttributeType", 18: "inappropriateMatching", 19: "constraintViolation",
	20: "attributeOrValueExists", 21: "invalidAttributeSyntax", 32: "noSuchObject", 33: "aliasProblem",
	34: "invalidDNSyntax", 36: "aliasDereferencingProblem", 48: "inappropriateAuthentication",
	49: "invalidCredentials", 50: "insufficientAccessRights", 51: "busy", 52: "unavailable",
	53: "unwillingToPerform", 54: "loopDetect", 64: "namingViolation", 65: "objectClassViolation",
	66: "notAllowedOnNonLeaf", 67: "notAllowedOnRDN", 68: "entryAlreadyExists",
	69: "objectClassModsProhibited", 71: "affectsMultipleDSAs", 80: "other",
}

// ldapCode is the result code that why asks for.
func ldapCode(why Why) (code byte, ok bool) {
	if why.Code == "" {
		return 51 + byte(why.Pick%2), true
	}
	for i, name := range ldapErrors {
		if name != "" && (name == why.Code || strconv.Itoa(i) == why.Code) {
			return byte(i), true
		}
	}
	return 0, false
}

// Refuse answers with the operation's own kind of result.
func (t *ldapTalk) Refuse(why Why) Answer {
	asked := t.asked[t.last]
	delete(t.asked, t.last)
	if asked.result == ldapBindResult {
		t.bound = t.rebound
	}
	code, ok := ldapCode(why)
	if !ok {
		code = 51
	}
	result := append([]byte{berEnumerated, 1, code}, berOctets, 0) // no DN
	result = ber(result, berOctets, []byte(oneLine(why.Message)))
	message := ber(nil, berInteger, berNumber(t.last))
	return Answer{
		Bytes: ber(nil, berSequence, ber(message, asked.result, result)),
		Close: asked.result == ldapBindResult && t.bound,
	}
}

// ber adds an element to others.
func ber(to []byte, tag byte, content []byte) []byte {
	to = append(to, tag)
	switch size := len(content); {
	case size < 0x80:
		to = append(to, byte(size))
	default:
		to = binary.BigEndian.AppendUint32(append(to, 0x84), uint32(size))
	}
	return append(to, content...)
}

// berNumber is the shortest form of a number below 1<<31.
func berNumber(n uint32) []byte {
	all := binary.BigEndian.AppendUint32(nil, n)
	for len(all) > 1 && all[0] == 0 && all[1] < 0x80 {
		all = all[1:]
	}
	return all
}
