package alert

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// A kept is one alert in a directory: its report and what lies beside it.
type kept struct {
	stem  string
	seen  time.Time
	bytes int64
	names []string
}

// prune removes the oldest alerts until the bounds hold, but never the one
// called own, and the temporary files of processes that have died. Others may
// do the same at the same time: what is gone is gone.
func (d Dir) prune(own string, now time.Time) error {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	var errs []error
	remove := func(name string) {
		if err := os.Remove(filepath.Join(d.Path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, e := range entries {
		if tempfile.IsLeftover(e, now) {
			remove(e.Name())
		}
	}
	for _, k := range d.tooMuch(d.alerts(entries), own, now) {
		for _, name := range k.names {
			remove(name)
		}
	}
	return errors.Join(errs...)
}

// alerts finds the alerts among a directory's entries, the newest first.
func (d Dir) alerts(entries []os.DirEntry) []*kept {
	naming := regexp.MustCompile(`^(` + regexp.QuoteMeta(d.prefix()) +
		`_(\d{8}T\d{6}\.\d{3}Z)_[a-z0-9-]{1,40}_[0-9a-f]{8})\.([0-9]{1,3}\.)?[a-z0-9]{1,10}$`)
	byStem := make(map[string]*kept)
	var all []*kept
	for _, e := range entries {
		m := naming.FindStringSubmatch(e.Name())
		if m == nil || !e.Type().IsRegular() {
			continue
		}
		seen, err := time.Parse(stampLayout, m[2])
		if err != nil {
			continue // looks like ours, but is no date
		}
		k := byStem[m[1]]
		if k == nil {
			k = &kept{stem: m[1], seen: seen}
			byStem[m[1]] = k
			all = append(all, k)
		}
		k.names = append(k.names, e.Name())
		if info, err := e.Info(); err == nil {
			k.bytes += info.Size()
		}
	}
	slices.SortFunc(all, func(a, b *kept) int { return strings.Compare(b.stem, a.stem) })
	return all
}

// tooMuch are those of all, the newest first, that exceed a bound.
func (d Dir) tooMuch(all []*kept, own string, now time.Time) (out []*kept) {
	maxFiles := cmp.Or(d.MaxFiles, defaultMaxFiles)
	maxAge := cmp.Or(d.MaxAge, defaultMaxAge)
	maxBytes := cmp.Or(d.MaxBytes, defaultMaxBytes)
	number, bytes := 0, int64(0)
	// The one just written counts first, whatever the time in its name.
	for _, k := range all {
		if k.stem == own {
			number, bytes = 1, k.bytes
		}
	}
	for _, k := range all {
		if k.stem == own {
			continue
		}
		number++
		bytes += k.bytes
		if (maxFiles >= 0 && number > maxFiles) || (maxBytes >= 0 && bytes > maxBytes) ||
			(maxAge >= 0 && now.Sub(k.seen) > maxAge) {
			out = append(out, k)
		}
	}
	return out
}
