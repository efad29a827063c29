package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// origin is a cursor in front of the oldest record of any journal: its time is the first microsecond of 1970.
// It is what is kept while the journal has no record to name.
const origin = "t=1"

// A cursorFile keeps one cursor on the disk. Nobody else has it as long as it is open.
type cursorFile struct {
	path string
	lock io.Closer
}

// openCursor locks a cursor's file, which need not exist, for this process.
func openCursor(path string) (*cursorFile, error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("journal: Follower.Cursor: %s: %w", path, err)
	}
	c := &cursorFile{path, lock}
	tempfile.RemoveLeftovers(filepath.Dir(c.path), time.Now()) // of processes that were killed while they saved
	return c, nil
}

func (c *cursorFile) close() error { return c.lock.Close() }

// load reads the cursor: "" where there is no file.
func (c *cursorFile) load() (string, error) {
	f, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("journal: read the cursor: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCursor+1))
	if err != nil {
		return "", fmt.Errorf("journal: read the cursor: %w", err)
	}
	cursor := strings.TrimSuffix(string(data), "\n")
	if !validCursor(cursor) {
		return "", fmt.Errorf("journal: the cursor file %s has no cursor in it but %.100q: it must hold one line, a cursor "+
			"that journalctl --show-cursor printed (s=…;i=…;b=…;m=…;t=…;x=…); to begin with the records that are written from now on, remove it", c.path, cursor)
	}
	return cursor, nil
}

// save replaces the file. When it returns nil the new one is on the disk, and so is its name.
func (c *cursorFile) save(cursor string) error {
	err := tempfile.Replace(c.path, []byte(cursor+"\n"))
	if err == nil {
		err = tempfile.SyncDir(filepath.Dir(c.path))
	}
	if err != nil {
		return fmt.Errorf("journal: write the cursor to %s: %w", c.path, err)
	}
	return nil
}

// validCursor says whether something looks like a cursor: pairs of a letter and hexadecimal digits. Whether it
// names a record is for journalctl to say.
func validCursor(cursor string) bool {
	if cursor == "" || len(cursor) > maxCursor {
		return false
	}
	for pair := range strings.SplitSeq(cursor, ";") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || len(name) != 1 || name[0] < 'a' || name[0] > 'z' || value == "" {
			return false
		}
		for i := range len(value) {
			if hexDigit(value[i]) < 0 {
				return false
			}
		}
	}
	return true
}
