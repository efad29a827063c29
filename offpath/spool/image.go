package spool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math"
)

// An image reads bbolt's file without bbolt, which maps the file into memory and believes what is in it:
// a file that is cut short or overwritten ends the process there. Here each number is checked before it
// is used, each page is read once, and what cannot be read is noted and passed over.
//
// The format is that of bbolt 1.5: two meta pages, of which the newer valid one names the page of the
// root bucket; trees of branch and leaf pages; numbers in the machine's byte order.
type image struct {
	f    io.ReaderAt
	size int64
	high uint64   // pages in use are below this
	seen []uint64 // bits: pages that a tree has been through
	hurt error    // the first damage that was found
}

const pageBytes = 4096 // of files that we make, on every system

// A meta is what one of the two meta pages says.
type meta struct {
	root, high, commit uint64
	listed             bool // the free pages are listed in the file, which ours never are
}

// metas gives the valid meta pages, the newer one first.
func metas(f io.ReaderAt) (valid []meta, err error) {
	for i := range int64(2) {
		b := make([]byte, 80)
		if _, err := f.ReadAt(b, i*pageBytes); err != nil && err != io.EOF {
			return nil, fmt.Errorf("spool: reading the file: %w", err)
		}
		b = b[16:] // the head of the page
		sum := fnv.New64a()
		sum.Write(b[:56])
		n := binary.NativeEndian
		if n.Uint32(b) != 0xED0CDAED || n.Uint32(b[4:]) != 2 || n.Uint64(b[56:]) != sum.Sum64() {
			continue
		}
		if size := n.Uint32(b[8:]); size != pageBytes {
			return nil, fmt.Errorf("%w: its pages have %d bytes, ours have %d", ErrNotSpool, size, pageBytes)
		}
		m := meta{root: n.Uint64(b[16:]), high: n.Uint64(b[40:]), commit: n.Uint64(b[48:])}
		m.listed = n.Uint64(b[32:]) != math.MaxUint64
		if m.commit%2 == uint64(i) {
			valid = append(valid, m)
		}
	}
	if len(valid) == 2 && valid[1].commit > valid[0].commit {
		valid[0], valid[1] = valid[1], valid[0]
	}
	return valid, nil
}

func newImage(f io.ReaderAt, size int64, m meta) *image {
	pages := uint64(size+pageBytes-1) / pageBytes
	return &image{f: f, size: size, high: m.high, seen: make([]uint64, min(m.high, pages)/64+1)}
}

func (im *image) damage(format string, args ...any) {
	if im.hurt == nil {
		im.hurt = fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
	}
}

// claim notes that pages are in use, and says whether they may be.
func (im *image) claim(id, n uint64) error {
	if id < 2 || id >= im.high || n > im.high-id {
		return fmt.Errorf("pages %d to %d: they end at %d", id, id+n-1, im.high)
	}
	if id >= uint64(im.size+pageBytes-1)/pageBytes {
		return fmt.Errorf("page %d: the file has %d bytes", id, im.size)
	}
	for p := id; p < id+n; p++ {
		if p/64 >= uint64(len(im.seen)) {
			return nil // beyond the file's end, which whoever reads there will find
		}
		if im.seen[p/64]&(1<<(p%64)) != 0 {
			return fmt.Errorf("page %d is used twice", p)
		}
		im.seen[p/64] |= 1 << (p % 64)
	}
	return nil
}

// at reads bytes of the file, all of them or none.
func (im *image) at(offset, n int64) ([]byte, error) {
	if offset < 0 || n < 0 || n > im.size-offset {
		return nil, fmt.Errorf("bytes %d to %d: the file has %d", offset, offset+n, im.size)
	}
	b := make([]byte, n)
	if _, err := im.f.ReadAt(b, offset); err != nil {
		return nil, err
	}
	return b, nil
}

// A node is one page of a tree, with those that its content runs over to.
type node struct {
	im     *image
	offset int64  // in the file
	length int64  // in bytes, by what its head says
	start  []byte // its first bytes
	leaf   bool
	count  int
}

// nodeAt reads the page of a tree.
func (im *image) nodeAt(id uint64) (*node, error) {
	if err := im.claim(id, 1); err != nil {
		return nil, err
	}
	n := &node{im: im, offset: int64(id) * pageBytes}
	var err error
	if n.start, err = im.at(n.offset, min(pageBytes, max(im.size-n.offset, 16))); err != nil {
		return nil, err
	}
	self, flags := binary.NativeEndian.Uint64(n.start), binary.NativeEndian.Uint16(n.start[8:])
	more := uint64(binary.NativeEndian.Uint32(n.start[12:]))
	n.count = int(binary.NativeEndian.Uint16(n.start[10:]))
	n.length, n.leaf = int64(more+1)*pageBytes, flags == 2
	if self != id || flags != 1 && flags != 2 {
		return nil, fmt.Errorf("page %d says to be page %d of kind %d", id, self, flags)
	}
	if more > 0 {
		if err := im.claim(id+1, more); err != nil {
			return nil, err
		}
	}
	if n.offset+n.length > im.size {
		im.damage("page %d and %d after it: the file has %d bytes", id, more, im.size)
	}
	return n, nil
}

// at reads bytes of a node.
func (n *node) at(offset, length int64) ([]byte, error) {
	if offset < 0 || length < 0 || length > n.length-offset {
		return nil, fmt.Errorf("bytes %d to %d of the page at %d: it has %d", offset, offset+length, n.offset, n.length)
	}
	if offset+length <= int64(len(n.start)) {
		return n.start[offset : offset+length], nil
	}
	return n.im.at(n.offset+offset, length)
}

// An item is one element of a leaf.
type item struct {
	key    []byte
	bucket bool
	n      *node
	offset int64 // of the value in the node
	length int64 // of the value
}

func (it item) value() ([]byte, error) { return it.n.at(it.offset, it.length) }

// element reads the i-th element of a node: its key, and either the item or the page below.
func (n *node) element(i int) (it item, below uint64, err error) {
	const size = 16
	head := int64(16 + size*i)
	b, err := n.at(head, size)
	if err != nil {
		return it, 0, err
	}
	u32 := func(i int) int64 { return int64(binary.NativeEndian.Uint32(b[i:])) }
	pos, keyLength := u32(4), u32(8)
	if !n.leaf {
		pos, keyLength, below = u32(0), u32(4), binary.NativeEndian.Uint64(b[8:])
	} else {
		it.bucket, it.length = u32(0)&1 != 0, u32(12)
	}
	if keyLength == 0 || keyLength > 32768 || pos < size {
		return it, 0, fmt.Errorf("element %d of the page at %d has a key of %d bytes at %d", i, n.offset, keyLength, pos)
	}
	it.n, it.offset = n, head+pos+keyLength
	if it.key, err = n.at(head+pos, keyLength); err != nil {
		return it, 0, err
	}
	if n.leaf && it.length > n.length-it.offset {
		return it, 0, fmt.Errorf("element %d of the page at %d has a value of %d bytes", i, n.offset, it.length)
	}
	return it, below, nil
}

// tree goes through the tree below a page in the order of keys. It passes over what is damaged.
func (im *image) tree(root uint64, visit func(item)) {
	im.walk(root, nil, nil, 0, visit)
}

// walk goes through a page whose keys are from low on and below high; nil has no bound.
func (im *image) walk(id uint64, low, high []byte, depth int, visit func(item)) {
	const deepest = 40 // a sound tree of the largest file is not as deep
	n, err := im.nodeAt(id)
	if err == nil && depth > deepest {
		err = fmt.Errorf("page %d is %d pages below the root", id, depth)
	}
	if err == nil && n.count == 0 && (!n.leaf || depth > 0) {
		err = fmt.Errorf("page %d is empty", id)
	}
	if err != nil {
		im.damage("%w", err)
		return
	}
	n.elements(im, low, high, depth, visit)
}

// elements goes through those of a node whose keys are in order.
func (n *node) elements(im *image, low, high []byte, depth int, visit func(item)) {
	var last []byte
	for i := range n.count {
		it, below, err := n.element(i)
		if err != nil {
			im.damage("%w", err)
			continue
		}
		if i > 0 && bytes.Compare(it.key, last) <= 0 && last != nil || low != nil && bytes.Compare(it.key, low) < 0 ||
			high != nil && bytes.Compare(it.key, high) >= 0 {
			im.damage("the keys of the page at %d are not in order", n.offset)
			continue
		}
		last = bytes.Clone(it.key)
		if n.leaf {
			visit(it)
			continue
		}
		next := high
		if i+1 < n.count {
			if after, _, err := n.element(i + 1); err == nil {
				next = after.key
			}
		}
		im.walk(below, last, next, depth+1, visit)
	}
}

// bucket gives the items of a bucket that is an item of another: a tree of its own, or, if it is small,
// a leaf in the place of the value.
func (im *image) bucket(it item, visit func(item)) {
	if !it.bucket || it.length < 16 {
		im.damage("the bucket %q is none", it.key)
		return
	}
	b, err := it.value()
	if err != nil {
		im.damage("%w", err)
		return
	}
	if root := binary.NativeEndian.Uint64(b); root != 0 {
		im.tree(root, visit)
		return
	}
	if len(b) < 32 || binary.NativeEndian.Uint16(b[16+8:]) != 2 {
		im.damage("the bucket %q is no leaf", it.key)
		return
	}
	n := &node{im: im, start: b[16:], length: int64(len(b) - 16), leaf: true, offset: it.n.offset + it.offset + 16}
	n.count = int(binary.NativeEndian.Uint16(b[16+10:]))
	n.elements(im, nil, nil, 0, visit)
}
