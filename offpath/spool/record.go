package spool

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"time"
)

// A record is an entry as it lies on the disk: a checksum, the head, and a small body. What each
// record and each chunk of a body has is a checksum because bbolt has none but on its meta pages.
type record struct {
	Entry
	upload uint64 // names the chunks of the body; 0: the body is inline
	inline []byte
}

const (
	inlineMax = 4 << 10 // bytes of a body that lie in its record

	// A row of a body's chunks. Two rows fill a leaf of bbolt's to the last byte: 32 pages of 4 KiB, less
	// the head of the leaf and of the two elements, and their keys.
	rowBytes  = (32*pageBytes - 16 - 2*16 - 2*rowKey) / 2
	rowData   = rowBytes - checksum
	rowKey    = 8 + 4
	checksum  = 4
	recordMax = MaxHead + MaxID + inlineMax + 64 // what encode makes at most, and some
)

// castagnoli is the polynomial that processors compute.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// rows is how many rows a body has that does not lie in its record.
func (r *record) rows() int64 {
	if r.upload == 0 {
		return 0
	}
	return (r.Size + rowData - 1) / rowData
}

// check says what in an entry's head is not accepted.
func (e *Entry) check() error {
	if len(e.ID) > MaxID {
		return fmt.Errorf("spool: ID of %d bytes: at most %d are accepted: %w", len(e.ID), MaxID, ErrTooLarge)
	}
	n := len(e.Method) + len(e.URI) + len(e.Host) + len(e.RemoteAddr) + len(e.Proto)
	for name, values := range e.Header {
		n += len(name) + 8
		for _, v := range values {
			n += len(v) + 4
		}
	}
	if n > MaxHead-64 {
		return fmt.Errorf("spool: head of %d bytes: at most %d are accepted: %w", n, MaxHead, ErrTooLarge)
	}
	return nil
}

// newID is a time and 80 random bits. The time keeps the index of IDs sorted, so that new ones
// lie side by side in it.
func newID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

func (r *record) encode() []byte {
	b := make([]byte, checksum, 256+len(r.URI)+len(r.inline))
	b = append(b, 1) // the version of this format
	b = binary.AppendVarint(b, r.Received.Unix())
	b = binary.AppendUvarint(b, uint64(r.Received.Nanosecond()))
	b = binary.AppendUvarint(b, r.upload)
	b = binary.AppendUvarint(b, uint64(r.Size))
	for _, s := range []string{r.ID, r.Method, r.URI, r.Host, r.RemoteAddr, r.Proto} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Header)))
	for name, values := range r.Header {
		b = appendString(b, name)
		b = binary.AppendUvarint(b, uint64(len(values)))
		for _, v := range values {
			b = appendString(b, v)
		}
	}
	b = append(b, r.inline...)
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[checksum:], castagnoli()))
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decode reads a record, whatever its bytes are. The record keeps b.
func decode(b []byte) (*record, error) {
	if len(b) < checksum+1 || binary.LittleEndian.Uint32(b) != crc32.Checksum(b[checksum:], castagnoli()) {
		return nil, fmt.Errorf("%w: the checksum of an entry", ErrDamaged)
	}
	if b[checksum] != 1 {
		return nil, fmt.Errorf("spool: an entry in format %d: only 1 is known: %w", b[checksum], ErrDamaged)
	}
	c := cutter{rest: b[checksum+1:]}
	var r record
	seconds, nanoseconds := c.varint(), c.uvarint()
	r.Received = time.Unix(seconds, int64(nanoseconds%1e9)).UTC()
	r.upload = c.uvarint()
	r.Size = int64(c.uvarint())
	for _, s := range []*string{&r.ID, &r.Method, &r.URI, &r.Host, &r.RemoteAddr, &r.Proto} {
		*s = c.string()
	}
	r.Header = c.header()
	r.inline = c.rest
	if c.failed || r.ID == "" || r.Size < 0 || (r.upload == 0) != (int64(len(r.inline)) == r.Size) {
		return nil, errors.Join(ErrDamaged, errors.New("spool: an entry makes no sense"))
	}
	return &r, nil
}

// A cutter takes one value after the other from bytes; where they end too early it has failed, and
// gives zeros.
type cutter struct {
	rest   []byte
	failed bool
}

func (c *cutter) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	c.advance(n)
	return v
}

func (c *cutter) varint() int64 {
	v, n := binary.Varint(c.rest)
	c.advance(n)
	return v
}

func (c *cutter) advance(n int) {
	if n <= 0 {
		c.failed, c.rest = true, nil
		return
	}
	c.rest = c.rest[n:]
}

func (c *cutter) string() string {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.failed, c.rest = true, nil
		return ""
	}
	s := string(c.rest[:n])
	c.rest = c.rest[n:]
	return s
}

// header reads as many names and values as it says that there are, or as there are bytes for.
func (c *cutter) header() http.Header {
	n := c.uvarint()
	if n == 0 {
		return nil
	}
	h := make(http.Header)
	for ; n > 0 && !c.failed; n-- {
		name := c.string()
		list := []string{}
		for values := c.uvarint(); values > 0 && !c.failed; values-- {
			list = append(list, c.string())
		}
		h[name] = list
	}
	return h
}
