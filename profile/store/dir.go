package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// Dir keeps each entry as a file of a directory, profile_ID.heeler, which several processes, and through
// a shared file system several machines, may use at the same time. The file system must have hard links,
// as Create makes one.
//
// A file is written under a temporary name and takes its own when it is whole, so that nobody reads half
// an entry. So there must be space on the disk for one entry more than MaxBytes. Files are not synced: a
// crash of the machine may lose what was written last, which is no more than a profile. They are for their
// owner only (0600).
//
// Only files of exactly this naming are ever read or removed, so the directory may hold others. What a
// process has left that died while it was writing is removed after an hour.
//
// A Dir must not be copied once it is used. It is safe for concurrent use. When it is the only one that
// writes to the directory its bounds hold at any moment, with what is just being written not counted;
// where others write too, there may be one entry more for each of them until the next is written. All
// should have the same bounds: the tightest apply.
type Dir struct {
	// Path is the directory. It is made, for the owner only (0700), when it is missing. It must not be
	// empty.
	Path string
	// MaxBytes is how many bytes the entries have together. Zero means 64 MiB; it must not be negative.
	MaxBytes int64
	// MaxCount is how many entries are kept. Zero means 100; it must not be negative.
	MaxCount int
	// MaxAge is how long an entry is kept after it was last written, by the file's time of modification.
	// Zero means 24 hours; it must not be negative.
	MaxAge time.Duration

	mu sync.Mutex // held from making room for an entry to its being there
}

const (
	filePrefix = "profile_"
	fileSuffix = ".heeler"
)

// Validate reports the first field that cannot be used. It does not touch the disk.
func (d *Dir) Validate() error {
	_, err := d.bounds()
	return err
}

func (d *Dir) bounds() (bounds, error) {
	if d.Path == "" {
		return bounds{}, errors.New("store: Dir.Path is empty; a directory is needed")
	}
	return newBounds("Dir", d.MaxBytes, d.MaxCount, d.MaxAge)
}

// Create keeps data under an id that is not in the directory yet: of several processes that try at the
// same time, one succeeds. For the others the error matches [fs.ErrExist]; it does so too where an
// expired entry has not been removed yet. If data has more than MaxBytes it matches [ErrTooLarge].
// Another error names Path and says what is wrong with it.
func (d *Dir) Create(id string, data []byte) error { return d.write(id, data, true) }

// Put keeps data under id, in place of what was there. Errors are those of Create but [fs.ErrExist].
func (d *Dir) Put(id string, data []byte) error { return d.write(id, data, false) }

// write makes the file of an entry aside, so that nothing is removed for what there is no space for, makes
// room for it and gives it its name.
func (d *Dir) write(id string, data []byte, create bool) error {
	b, err := d.bounds()
	if err != nil {
		return err
	}
	if err := b.check(id, data); err != nil {
		return err
	}
	temp, err := d.writeTemp(data)
	if err != nil && d.sweep(b.age) == nil { // the disk may be full of what has expired
		temp, err = d.writeTemp(data)
	}
	if err != nil {
		return d.cannotKeep(id, err)
	}
	defer os.Remove(temp) // has gone if it was renamed
	d.mu.Lock()
	defer d.mu.Unlock()
	if create && d.has(id) {
		return exists(id) // without making room for it
	}
	if err := d.makeRoom(b, id, int64(len(data)), time.Now()); err != nil {
		return d.cannotKeep(id, err)
	}
	if !create {
		err = os.Rename(temp, d.file(id))
	} else if err = os.Link(temp, d.file(id)); errors.Is(err, fs.ErrExist) {
		return exists(id)
	}
	if err != nil {
		return d.cannotKeep(id, err)
	}
	return nil
}

// cannotKeep hides what err matches: a directory that exists or does not is no entry.
func (d *Dir) cannotKeep(id string, err error) error {
	return fmt.Errorf("store: cannot keep %s in Dir.Path, %s: %v", id, d.Path, err)
}

func (d *Dir) has(id string) bool {
	_, err := os.Lstat(d.file(id))
	return err == nil
}

// writeTemp makes a file with data in the directory, and gives its name. What fails leaves none.
func (d *Dir) writeTemp(data []byte) (name string, err error) {
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return "", err
	}
	return tempfile.Write(d.Path, data, false)
}

func (d *Dir) file(id string) string { return filepath.Join(d.Path, filePrefix+id+fileSuffix) }

// Get returns what is kept under id. If there is nothing, or no longer, the error matches
// [fs.ErrNotExist].
func (d *Dir) Get(id string) ([]byte, error) {
	b, err := d.bounds()
	if err != nil {
		return nil, err
	}
	if err := checkID(id); err != nil {
		return nil, err
	}
	data, err := d.read(b, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(id)
	} else if err != nil {
		return nil, fmt.Errorf("store: cannot read %s from Dir.Path, %s: %w", id, d.Path, err)
	}
	return data, nil
}

func (d *Dir) read(b bounds, id string) ([]byte, error) {
	info, err := os.Lstat(d.file(id))
	if err != nil {
		return nil, err
	}
	switch {
	case !info.Mode().IsRegular(): // opening a pipe would wait for ever
		return nil, fmt.Errorf("it is not a regular file but %v", info.Mode().Type())
	case b.expired(info.ModTime(), time.Now()):
		return nil, fs.ErrNotExist
	case info.Size() > b.bytes:
		return nil, fmt.Errorf("%w: it has %d bytes; at most %d (MaxBytes) are accepted", ErrTooLarge, info.Size(), b.bytes)
	}
	return os.ReadFile(d.file(id))
}
