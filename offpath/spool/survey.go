package spool

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// tooHigh is what no number reaches that counts something.
const tooHigh = 1 << 62

// A survey is what one of a file's trees has in it, as far as that can be read.
type survey struct {
	*image
	commit  uint64
	ours    bool  // it has the bucket that names our format
	state   state // as it was written
	known   bool  // the state could be read
	counted state // as it was found
	uploads map[uint64]*upload
	entries []found          // if they are collected
	tries   map[uint64]place // as well
	last    uint64           // upload, the highest that there is
	live    int64            // bytes of pages in use
}

// An upload is the rows of one body.
type upload struct {
	rows, bytes int64
	wanted      bool // an entry has it
	bad         bool // the rows are not those of one body, from its beginning
	at          []place
}

// A place is where a value lies in the file.
type place struct{ offset, length int64 }

// found is an entry that can be read.
type found struct {
	number uint64
	dead   bool
	place
}

// look surveys a tree. With collect it notes where everything lies, which takes some memory.
func look(f io.ReaderAt, size int64, m meta, collect bool) *survey {
	s := &survey{image: newImage(f, size, m), commit: m.commit, uploads: make(map[uint64]*upload), tries: make(map[uint64]place)}
	if m.commit > tooHigh {
		s.damage("it says to have had %d commits", m.commit)
	}
	if m.listed {
		s.damage("it lists its free pages, which ours never do")
	}
	// Rows come before the records that want them, whatever the order in the file.
	var buckets []item
	s.tree(m.root, func(it item) { buckets = append(buckets, it) })
	for _, it := range buckets {
		switch string(it.key) {
		case rowsBucket:
			s.bucket(it, func(it item) { s.row(it, collect) })
		case stateBucket:
			s.ours = true
			s.bucket(it, s.readState)
		}
	}
	for _, it := range buckets {
		switch string(it.key) {
		case waitingBucket:
			s.bucket(it, func(it item) { s.entry(it, false, collect) })
		case deadBucket:
			s.bucket(it, func(it item) { s.entry(it, true, collect) })
		case idsBucket:
			s.bucket(it, s.other)
		case triesBucket:
			s.bucket(it, func(it item) { s.try(it, collect) })
		case rowsBucket, stateBucket:
		default:
			s.damage("a bucket %q, which is none of ours", it.key)
		}
	}
	s.settle(len(buckets))
	return s
}

func (s *survey) other(it item) {
	if it.bucket {
		s.damage("a bucket within a bucket")
		return
	}
	s.counted.bytes += uint64(int64(len(it.key)) + it.length)
}

func (s *survey) try(it item, collect bool) {
	s.other(it)
	if collect && len(it.key) == 8 && it.length <= triesMax {
		s.tries[binary.BigEndian.Uint64(it.key)] = place{it.n.offset + it.offset, it.length}
	}
}

func (s *survey) readState(it item) {
	b, err := it.value()
	if err == nil && string(it.key) == stateKey && !it.bucket {
		s.state, err = decodeState(b)
		if err == nil && s.state.commit != s.commit {
			err = fmt.Errorf("the state is that of commit %d, this is %d", s.state.commit, s.commit)
		}
		s.known = err == nil
	}
	if !s.known {
		s.damage("the state cannot be read: %w", err)
	}
}

func (s *survey) row(it item, collect bool) {
	s.other(it)
	if it.bucket || len(it.key) != rowKey || it.length <= checksum || it.length > rowBytes {
		s.damage("a row of a body with %d bytes, its key has %d", it.length, len(it.key))
		return
	}
	name, index := binary.BigEndian.Uint64(it.key), binary.BigEndian.Uint32(it.key[8:])
	if name > tooHigh {
		s.damage("a body has the number %d", name)
		return
	}
	u := s.uploads[name]
	if u == nil {
		u = &upload{}
		s.uploads[name] = u
	}
	// All rows are full but the last.
	if u.bad = u.bad || u.bytes != u.rows*rowData || int64(index) != u.rows; u.bad {
		return
	}
	u.rows++
	u.bytes += it.length - checksum
	s.last = max(s.last, name)
	if collect {
		u.at = append(u.at, place{it.n.offset + it.offset, it.length})
	}
}

// entry checks a record, and that its body is there. The checksums of rows are left for whoever reads
// the body.
func (s *survey) entry(it item, dead, collect bool) {
	s.other(it)
	if it.bucket || len(it.key) != 8 || it.length > recordMax {
		s.damage("an entry of %d bytes, its key has %d", it.length, len(it.key))
		return
	}
	b, err := it.value()
	var r *record
	if err == nil {
		r, err = decode(b)
	}
	n := uint64(0)
	if err == nil {
		if n = binary.BigEndian.Uint64(it.key); n > tooHigh || r.upload > tooHigh {
			r, err = nil, fmt.Errorf("an entry has the number %d, its body %d", n, r.upload)
		}
	}
	if err == nil && r.upload != 0 {
		u := s.uploads[r.upload]
		s.last = max(s.last, r.upload)
		if u != nil {
			u.wanted = true
		}
		if u == nil || u.bad || u.bytes != r.Size {
			err = fmt.Errorf("the body of entry %s is not whole", r.ID)
		}
	}
	if err != nil {
		s.damage("%w", err)
	}
	if r == nil {
		return
	}
	if dead {
		s.counted.dead++
	} else {
		s.counted.waiting++
	}
	s.counted.next = max(s.counted.next, n+1)
	if collect {
		s.entries = append(s.entries, found{n, dead, place{it.n.offset + it.offset, it.length}})
	}
}

// settle compares what was found with what was written.
func (s *survey) settle(buckets int) {
	if buckets != 6 {
		s.damage("%d of 6 buckets", buckets)
	}
	w, c := s.state, s.counted
	if w.waiting != c.waiting || w.dead != c.dead || w.bytes != c.bytes || w.next < c.next || w.next > tooHigh {
		s.damage("%d entries and %d dead ones with %d bytes were stored, %d and %d with %d were found",
			w.waiting, w.dead, w.bytes, c.waiting, c.dead, c.bytes)
	}
	for _, word := range s.seen {
		s.live += int64(bits.OnesCount64(word)) * pageBytes
	}
}

// orphans are uploads that no entry has: the process ended while they came, or before they were removed.
func (s *survey) orphans() (names []uint64) {
	for name, u := range s.uploads {
		if !u.wanted {
			names = append(names, name)
		}
	}
	return names
}
