package alert

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// Dir writes each alert as a file of its own, and its Files beside it:
//
//	alert_20261120T101500.123Z_get-repo-is-slow_5f0c9a17.txt
//	alert_20261120T101500.123Z_get-repo-is-slow_5f0c9a17.trace
//
// so that a listing by name is a listing by time (UTC) and says what they are.
// Each is written under a temporary name, synced and renamed: a reader never
// sees half a file, and the report appears after what belongs to it. Files are
// for their owner only (0600).
//
// After each alert the oldest are removed until the bounds hold. Only files of
// exactly this naming are ever removed, so the directory may hold others.
// Several processes may share one; it should be on a local file system.
//
// Dir has no state: value or pointer, and from several goroutines.
type Dir struct {
	// Path is the directory. It is made, for the owner only (0700), when it
	// is missing. It must not be empty.
	Path string
	// Prefix begins each name: lower-case letters, digits and "-". Empty
	// means "alert".
	Prefix string
	// MaxFiles is how many alerts are kept, each with its attachments. Zero
	// means 500; negative means no bound.
	MaxFiles int
	// MaxAge is how long an alert is kept after it was seen. Zero means 30
	// days; negative means for ever.
	MaxAge time.Duration
	// MaxBytes is how many bytes the kept alerts have together; the newest
	// is kept even if it has more. Zero means 512 MiB; negative means no
	// bound.
	MaxBytes int64
}

const (
	defaultPrefix   = "alert"
	defaultMaxFiles = 500
	defaultMaxAge   = 30 * 24 * time.Hour
	defaultMaxBytes = 512 << 20

	stampLayout = "20060102T150405.000Z"
)

// Send writes the alert and removes what has become too much. The error says
// which path failed and why.
func (d Dir) Send(ctx context.Context, a Alert) error {
	if err := d.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return fmt.Errorf("alert: cannot make the directory for reports: %w", err)
	}
	stem := d.stem(a)
	for _, f := range d.files(stem, a) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("alert: %s not written: %w", f.Name, context.Cause(ctx))
		}
		if err := tempfile.Replace(filepath.Join(d.Path, f.Name), f.Data); err != nil {
			return fmt.Errorf("alert: cannot write a report: %w", err)
		}
	}
	if err := d.prune(stem, time.Now()); err != nil {
		return fmt.Errorf("alert: report written, but old ones cannot be removed: %w", err)
	}
	return nil
}

// Validate reports the first field that cannot be used. It does not touch the
// disk.
func (d Dir) Validate() error {
	if d.Path == "" {
		return errors.New("alert: Dir.Path is empty; a directory is needed")
	}
	for _, r := range d.Prefix {
		if r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return fmt.Errorf("alert: Dir.Prefix is %q; only a-z, 0-9 and - are accepted", d.Prefix)
		}
	}
	return nil
}

// stem is the part of the name that a report and its attachments share.
func (d Dir) stem(a Alert) string {
	seen := a.Time
	if seen.IsZero() {
		seen = time.Now()
	}
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	return fmt.Sprintf("%s_%s_%s_%s", d.prefix(), seen.UTC().Format(stampLayout), slug(a.Title), hex.EncodeToString(id[:]))
}

func (d Dir) prefix() string { return cmp.Or(d.Prefix, defaultPrefix) }

// files are what to write, the report last. The names are made here: an
// attachment's own name gives no more than its ending.
func (d Dir) files(stem string, a Alert) []File {
	files := make([]File, 0, len(a.Files)+1)
	taken := map[string]int{"txt": 1}
	for _, f := range a.Files {
		ending := ending(f.Name)
		taken[ending]++
		name := stem + "." + ending
		if n := taken[ending]; n > 1 {
			name = fmt.Sprintf("%s.%d.%s", stem, n, ending)
		}
		files = append(files, File{Name: name, Data: f.Data})
	}
	return append(files, File{Name: stem + ".txt", Data: []byte(a.Report())})
}

// slug is what of a title fits into a file name: at most 40 of a-z, 0-9, -.
func slug(title string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(title) {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			dash = b.Len() > 0
			continue
		}
		if dash && b.Len() < 39 {
			b.WriteByte('-')
		}
		dash = false
		if b.Len() >= 40 {
			break
		}
		b.WriteRune(r)
	}
	return cmp.Or(b.String(), "untitled")
}

// ending is a file name's extension without the dot: 1 to 10 of a-z and 0-9,
// or "bin".
func ending(name string) string {
	e := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	if len(e) == len(name) || len(e) == 0 || len(e) > 10 {
		return "bin"
	}
	for _, r := range e {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return "bin"
		}
	}
	return e
}
