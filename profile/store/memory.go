package store

import (
	"bytes"
	"container/list"
	"sync"
	"time"
)

// Memory keeps entries in the memory of this process. Its zero value is ready; it must not be copied
// once it is used. It is safe for concurrent use, and its bounds hold at any moment.
//
// An expired entry is never given out, but takes up its memory until the store is used again.
type Memory struct {
	// MaxBytes is how many bytes the entries have together. Zero means 64 MiB; it must not be negative.
	MaxBytes int64
	// MaxCount is how many entries are kept. Zero means 100; it must not be negative.
	MaxCount int
	// MaxAge is how long an entry is kept after it was last written. Zero means 24 hours; it must not be
	// negative.
	MaxAge time.Duration

	mu    sync.Mutex
	byID  map[string]*list.Element
	order list.List // of entry, the oldest first
	bytes int64     // that they have together
}

// An entry is what is kept under an id.
type entry struct {
	id      string
	data    []byte // never changed once it is here
	written time.Time
}

// Validate reports the first field that cannot be used.
func (m *Memory) Validate() error {
	_, err := m.bounds()
	return err
}

func (m *Memory) bounds() (bounds, error) {
	return newBounds("Memory", m.MaxBytes, m.MaxCount, m.MaxAge)
}

// Create keeps a copy of data under an id that is not in the store yet. If it is, the error matches
// [fs.ErrExist]; if data has more than MaxBytes, [ErrTooLarge].
func (m *Memory) Create(id string, data []byte) error { return m.write(id, data, false) }

// Put keeps a copy of data under id, in place of what was there. If data has more than MaxBytes, the
// error matches [ErrTooLarge].
func (m *Memory) Put(id string, data []byte) error { return m.write(id, data, true) }

func (m *Memory) write(id string, data []byte, replace bool) error {
	b, err := m.bounds()
	if err != nil {
		return err
	}
	if err := b.check(id, data); err != nil {
		return err
	}
	data = bytes.Clone(data) // before the lock: it may be large
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(b)
	if old, ok := m.byID[id]; ok {
		if !replace {
			return exists(id)
		}
		m.remove(old)
	}
	for m.order.Len() >= b.count || m.bytes+int64(len(data)) > b.bytes {
		m.remove(m.order.Front())
	}
	if m.byID == nil {
		m.byID = make(map[string]*list.Element)
	}
	m.byID[id] = m.order.PushBack(&entry{id: id, data: data, written: time.Now()})
	m.bytes += int64(len(data))
	return nil
}

// Get returns what is kept under id. It is the store's own and must not be changed. If there is nothing,
// or no longer, the error matches [fs.ErrNotExist].
func (m *Memory) Get(id string) ([]byte, error) {
	b, err := m.bounds()
	if err != nil {
		return nil, err
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(b)
	e, ok := m.byID[id]
	if !ok {
		return nil, missing(id)
	}
	return e.Value.(*entry).data, nil
}

// expire removes what is too old.
func (m *Memory) expire(b bounds) {
	now := time.Now()
	for e := m.order.Front(); e != nil && b.expired(e.Value.(*entry).written, now); e = m.order.Front() {
		m.remove(e)
	}
}

func (m *Memory) remove(e *list.Element) {
	gone := m.order.Remove(e).(*entry)
	delete(m.byID, gone.id)
	m.bytes -= int64(len(gone.data))
}
