// Package tempfile is for directories that several processes write to: a file is written under a temporary
// name and takes its own when it is whole, so that nobody reads half of one.
//
//	err := tempfile.Replace(path, data)
package tempfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	pattern = ".heeler-*.tmp"
	age     = time.Hour // older leftovers belong to no running process
)

// Write makes a file with data in a directory, for its owner only (0600), and gives its name. With sync its
// content is on the disk before. What fails leaves none.
func Write(dir string, data []byte, sync bool) (name string, err error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	if _, err = f.Write(data); err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// Replace makes the file at path, or puts it in place of what is there: all of data or nothing, and on the disk. For
// its name to be there, too, see [SyncDir].
func Replace(path string, data []byte) error {
	temp, err := Write(filepath.Dir(path), data, true)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		_ = os.Remove(temp)
		return err
	}
	return nil
}

// SyncDir puts the names in a directory on the disk. Windows keeps a journal of them by itself, and refuses.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// RemoveLeftovers removes those of a directory. What cannot be removed does no harm.
func RemoveLeftovers(dir string, now time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if IsLeftover(e, now) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// IsLeftover says whether a file of a directory was left by a process that died while writing, an hour ago
// or more.
func IsLeftover(e os.DirEntry, now time.Time) bool {
	if ok, _ := filepath.Match(pattern, e.Name()); !ok || !e.Type().IsRegular() {
		return false
	}
	info, err := e.Info()
	return err == nil && now.Sub(info.ModTime()) > age
}
