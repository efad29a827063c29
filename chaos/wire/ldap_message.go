package wire

// Tags of BER that LDAP is made of.
const (
	berInteger    = 0x02
	berOctets     = 0x04
	berEnumerated = 0x0a
	berSequence   = 0x30
)

// The operations of RFC 4511, requests and the results that end them.
const (
	ldapBind           = 0x60
	ldapBindResult     = 0x61
	ldapUnbind         = 0x42
	ldapSearch         = 0x63
	ldapEntry          = 0x64
	ldapReference      = 0x73
	ldapSearchResult   = 0x65
	ldapModify         = 0x66
	ldapModifyResult   = 0x67
	ldapAdd            = 0x68
	ldapAddResult      = 0x69
	ldapDelete         = 0x4a
	ldapDeleteResult   = 0x6b
	ldapModifyDN       = 0x6c
	ldapModifyDNResult = 0x6d
	ldapCompare        = 0x6e
	ldapCompareResult  = 0x6f
	ldapAbandon        = 0x50
	ldapExtended       = 0x77
	ldapExtendedResult = 0x78
	ldapIntermediate   = 0x79
)

// ldapResult is the result that ends an operation, 0 if none does; ok is false for what is none.
func ldapResult(operation byte) (result byte, ok bool) {
	switch operation {
	case ldapAbandon, ldapUnbind:
		return 0, true
	case ldapBind:
		return ldapBindResult, true
	case ldapSearch:
		return ldapSearchResult, true
	case ldapModify:
		return ldapModifyResult, true
	case ldapAdd:
		return ldapAddResult, true
	case ldapDelete:
		return ldapDeleteResult, true
	case ldapModifyDN:
		return ldapModifyDNResult, true
	case ldapCompare:
		return ldapCompareResult, true
	case ldapExtended:
		return ldapExtendedResult, true
	}
	return 0, false
}

// Names of extended operations.
const (
	ldapStartTLS       = "1.3.6.1.4.1.1466.20037"  // RFC 4511 section 4.14
	ldapPasswordModify = "1.3.6.1.4.1.4203.1.11.1" // RFC 3062
)

// ldapMax bounds the length of a message that is understood, in bytes. Servers take far less: slapd's
// limit is 16 MiB.
const ldapMax = 1 << 30

// ldapHead is the beginning of a message.
type ldapHead struct {
	size      int // of the whole message
	id        uint32
	operation byte
	content   []byte // of the operation, as far as it is there
	length    int    // of all the content
}

// enough says that content has n bytes, or all that there will be.
func (h ldapHead) enough(n int) bool { return len(h.content) >= min(n, h.length) }

// berLength reads the length of an element. n is 0 if it is not complete.
func berLength(data []byte) (length, n int, ok bool) {
	if len(data) == 0 {
		return 0, 0, true
	}
	if data[0] < 0x80 {
		return int(data[0]), 1, true
	}
	more := int(data[0] & 0x7f)
	if more == 0 || more > 4 {
		return 0, 0, false
	}
	if len(data) < 1+more {
		return 0, 0, true
	}
	size := uint64(0)
	for _, b := range data[1 : 1+more] {
		size = size<<8 | uint64(b)
	}
	return int(min(size, ldapMax)), 1 + more, size < ldapMax
}

// readLDAP reads the beginning of a message: a sequence of a number, an operation and controls. It is
// known when there is enough of it.
func readLDAP(data []byte) (head ldapHead, known, ok bool) {
	if data[0] != berSequence {
		return head, false, false
	}
	size, n, ok := berLength(data[1:])
	if n == 0 || !ok {
		return head, false, ok
	}
	head.size = 1 + n + size
	left := size
	data = data[1+n : min(len(data), head.size)]

	number, n, bad := berElement(data, left, berInteger)
	if n == 0 {
		return head, false, !bad
	}
	if number == 0 || number > 4 {
		return head, false, false
	}
	if len(data) < n+number {
		return head, false, true
	}
	for _, b := range data[n : n+number] {
		head.id = head.id<<8 | uint32(b)
	}
	if data[n] >= 0x80 { // it is not negative
		return head, false, false
	}
	left -= n + number
	data = data[n+number:]

	if len(data) > 0 {
		head.operation = data[0]
	}
	head.length, n, bad = berElement(data, left, head.operation)
	if n == 0 {
		return head, false, !bad
	}
	head.content = data[n:min(n+head.length, len(data))]
	return head, true, true
}

// berElement reads the beginning of an element with a tag, of n bytes, in a sequence of which left
// bytes are left. n is 0 if it is not complete or, where it is bad, cannot be.
func berElement(data []byte, left int, tag byte) (length, n int, bad bool) {
	if left < 2 || len(data) > 0 && data[0] != tag {
		return 0, 0, true
	}
	if len(data) == 0 {
		return 0, 0, false
	}
	length, n, ok := berLength(data[1:])
	if !ok || n > 0 && 1+n+length > left {
		return 0, 0, true
	}
	if n == 0 {
		return 0, 0, len(data) >= left
	}
	return length, 1 + n, false
}
