package request

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"
)

// IDs makes request IDs: a counter, encrypted. So no two are alike, since a
// cipher is one to one, and who knows some of them cannot tell another.
type IDs struct {
	block cipher.Block
	next  atomic.Uint64
}

// NewIDs draws a key of its own.
func NewIDs() *IDs {
	var key [16]byte
	rand.Read(key[:]) // never fails, by its documentation
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // 16 bytes are a valid key
	}
	return &IDs{block: block}
}

// Scratch is room for making an ID; in an allocation of the caller's it costs
// none.
type Scratch [16]byte

// Next is a fresh ID of 32 hexadecimal digits.
func (ids *IDs) Next(b *Scratch) string {
	binary.LittleEndian.PutUint64(b[:8], ids.next.Add(1))
	ids.block.Encrypt(b[:], b[:])
	var s [2 * len(b)]byte
	hex.Encode(s[:], b[:])
	return string(s[:])
}
