package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"
)

// The buckets of a spool's file. All numbers in keys are big-endian, so that they sort.
const (
	waitingBucket = "waiting"        // number → record, in the order of receipt
	deadBucket    = "dead"           // number → record
	rowsBucket    = "rows"           // upload, index → checksum, bytes of a body
	idsBucket     = "ids"            // ID → number
	triesBucket   = "tries"          // number → attempts, last error
	stateBucket   = "heeler spool 1" // names the format; has the state
	stateKey      = "state"
)

// state is what a commit knows of all that is stored. It is what tells, when a part of the file cannot
// be read any more, how much that was.
type state struct {
	waiting, dead uint64 // entries
	removed       uint64 // entries that are gone, acknowledged or discarded, ever
	next          uint64 // number of the next entry
	bytes         uint64 // keys and values in all buckets but this
	commit        uint64 // bbolt's number of the commit that wrote this
}

// numbers are those of a state, in the order in which they are written.
func (s *state) numbers() [6]*uint64 {
	return [6]*uint64{&s.waiting, &s.dead, &s.removed, &s.next, &s.bytes, &s.commit}
}

const stateBytes = checksum + 6*8

func (s *state) encode() []byte {
	b := make([]byte, checksum, stateBytes)
	for _, v := range s.numbers() {
		b = binary.BigEndian.AppendUint64(b, *v)
	}
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[checksum:], castagnoli()))
	return b
}

func decodeState(b []byte) (s state, err error) {
	if len(b) != stateBytes || binary.LittleEndian.Uint32(b) != crc32.Checksum(b[checksum:], castagnoli()) {
		return s, fmt.Errorf("%w: the checksum of the state", ErrDamaged)
	}
	for i, v := range s.numbers() {
		*v = binary.BigEndian.Uint64(b[checksum+8*i:])
	}
	return s, nil
}

// A ledger is a write transaction that counts what it stores.
type ledger struct {
	tx                              *bbolt.Tx
	waiting, dead, rows, ids, tries *bbolt.Bucket
	state                           state
	max                             uint64   // quota in bytes; 0 means none
	err                             error    // of bbolt: the transaction cannot be committed
	removed                         []uint64 // uploads whose rows are to be removed, once this is committed
}

// newLedger opens the ledger of a transaction, in a new file too.
func newLedger(tx *bbolt.Tx) (*ledger, error) {
	l := &ledger{tx: tx}
	bucket := func(name string) *bbolt.Bucket {
		b, err := tx.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			l.err = err
			return nil
		}
		b.FillPercent = 0.95 // keys grow, so that pages are filled once and stay so
		return b
	}
	l.waiting, l.dead, l.rows = bucket(waitingBucket), bucket(deadBucket), bucket(rowsBucket)
	l.ids, l.tries = bucket(idsBucket), bucket(triesBucket)
	kept := bucket(stateBucket)
	if l.err != nil {
		return nil, l.err
	}
	b := kept.Get([]byte(stateKey))
	if b == nil {
		l.state.next = 1
		return l, nil
	}
	var err error
	l.state, err = decodeState(b)
	return l, err
}

// close puts the state down, as the last thing in the transaction.
func (l *ledger) close() error {
	if l.err != nil {
		return l.err
	}
	l.state.commit = uint64(l.tx.ID())
	return l.tx.Bucket([]byte(stateBucket)).Put([]byte(stateKey), l.state.encode())
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func rowKeyOf(upload uint64, index uint32) []byte {
	return binary.BigEndian.AppendUint32(number(upload), index)
}

func (l *ledger) put(b *bbolt.Bucket, key, value []byte) {
	if old := b.Get(key); old != nil {
		l.state.bytes -= uint64(len(key) + len(old))
	}
	if err := b.Put(key, value); err != nil {
		l.err = err
		return
	}
	l.state.bytes += uint64(len(key) + len(value))
}

func (l *ledger) del(b *bbolt.Bucket, key []byte) {
	old := b.Get(key)
	if old == nil {
		return
	}
	l.state.bytes -= uint64(len(key) + len(old))
	if err := b.Delete(key); err != nil {
		l.err = err
	}
}

// room says whether so many bytes more are within the quota.
func (l *ledger) room(n uint64) error {
	if l.max > 0 && l.state.bytes+n > l.max {
		return fmt.Errorf("%w: %d of %d bytes are used, %d more are needed", ErrFull, l.state.bytes, l.max, n)
	}
	return nil
}

// putRows stores rows of a body. Each has room for its checksum before its bytes.
func (l *ledger) putRows(upload uint64, from uint32, rows [][]byte) {
	for i, row := range rows {
		key := rowKeyOf(upload, from+uint32(i))
		binary.LittleEndian.PutUint32(row, rowSum(key, row))
		l.put(l.rows, key, row)
	}
}

// rowSum is the checksum of a row's bytes, and of where they belong.
func rowSum(key, row []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli()), castagnoli(), row[checksum:])
}

// add appends an entry to those that wait.
func (l *ledger) add(id string, encoded []byte) {
	n := l.state.next
	l.state.next++
	l.state.waiting++
	l.put(l.waiting, number(n), encoded)
	l.put(l.ids, []byte(id), number(n))
}

// addCost is what add and putRows store, in bytes.
func addCost(id string, encoded []byte, rows [][]byte) uint64 {
	n := 8 + len(encoded) + len(id) + 8
	for _, row := range rows {
		n += rowKey + len(row)
	}
	return uint64(n)
}

// remove forgets an entry of one of the two buckets. It says whether it was there.
func (l *ledger) remove(b *bbolt.Bucket, n uint64) bool {
	key := number(n)
	value := b.Get(key)
	if value == nil {
		return false
	}
	if r, err := decode(value); err == nil {
		l.del(l.ids, []byte(r.ID))
		l.removeRows(r)
	}
	l.del(b, key)
	l.del(l.tries, key)
	l.count(b, -1)
	l.state.removed++
	return true
}

// removeRows removes the body of an entry, or leaves a long one for later: a commit must not be held
// up by one of a gigabyte.
func (l *ledger) removeRows(r *record) {
	const few = 4
	if r.upload == 0 {
		return
	}
	if r.rows() > few {
		l.removed = append(l.removed, r.upload)
		return
	}
	for i := range r.rows() {
		l.del(l.rows, rowKeyOf(r.upload, uint32(i)))
	}
}

func (l *ledger) count(b *bbolt.Bucket, by int) {
	if b == l.waiting {
		l.state.waiting += uint64(by)
	} else {
		l.state.dead += uint64(by)
	}
}

// sweepAll removes rows of removed uploads, up to so many, and gives those that have some left.
func (l *ledger) sweepAll(uploads []uint64, most int) []uint64 {
	for len(uploads) > 0 && most > 0 {
		n := l.sweep(uploads[0], most)
		if most -= n; most > 0 {
			uploads = uploads[1:]
		}
	}
	return uploads
}

// sweep removes up to so many rows of an upload and says how many.
func (l *ledger) sweep(upload uint64, most int) int {
	var keys [][]byte
	c := l.rows.Cursor()
	prefix := number(upload)
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(keys) < most; k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		l.del(l.rows, k)
	}
	return len(keys)
}
