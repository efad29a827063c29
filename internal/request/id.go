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

// Next is a fresh ID of 32 hexadecimal digits.
func (ids *IDs) Next() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], ids.next.Add(1))
	ids.block.Encrypt(b[:], b[:])
	var s [32]byte
	hex.Encode(s[:], b[:])
	return string(s[:])
}
