// Package tempfile is for directories that several processes write to: a file is written under a temporary
// name and takes its own when it is whole, so that nobody reads half of one.
//
//	temp, err := tempfile.Write(dir, data, true)
//	…
//	err = os.Rename(temp, filepath.Join(dir, name))
package tempfile

import (
	"errors"
	"os"
	"path/filepath"
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

// IsLeftover says whether a file of a directory was left by a process that died while writing, an hour ago
// or more.
func IsLeftover(e os.DirEntry, now time.Time) bool {
	if ok, _ := filepath.Match(pattern, e.Name()); !ok || !e.Type().IsRegular() {
		return false
	}
	info, err := e.Info()
	return err == nil && now.Sub(info.ModTime()) > age
}
