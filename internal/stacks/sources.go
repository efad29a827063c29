package stacks

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	maxSource = 4 << 20 // bytes of a source file that is read at all
	maxLine   = 200     // bytes of a line that is given out
	maxLines  = 4096    // lines that are remembered
)

// Sources finds the source lines of frames on the disk and remembers some of them. The zero value is
// ready. It is safe for concurrent use.
type Sources struct {
	mu    sync.Mutex
	lines map[place]string
}

type place struct {
	file string
	line int
}

// Line is a line of a source file, counted from 1, without the space around it, cut to 200 bytes, on one
// line of valid UTF-8. It is empty if the file is not an absolute path that ends in .go, is not a
// regular file on this machine's disk, is larger than 4 MiB or has no such line. Whether the file is
// still the one that was compiled cannot be told.
func (s *Sources) Line(file string, line int) string {
	if line < 1 || !filepath.IsAbs(file) || filepath.Ext(file) != ".go" {
		return ""
	}
	at := place{file, line}
	if text, ok := s.known(at); ok {
		return text
	}
	text := tidy(find(read(file), line))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil || len(s.lines) >= maxLines {
		s.lines = map[place]string{} // frames repeat: what matters is soon known again
	}
	s.lines[at] = text
	return text
}

func (s *Sources) known(at place) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.lines[at]
	return text, ok
}

// read is the whole of a regular file. Anything else is not even opened: that could block, or act.
func read(file string) string {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return ""
	}
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(f, maxSource)); err != nil {
		return ""
	}
	return b.String()
}

// find is a line of a text, counted from 1, or empty.
func find(text string, line int) string {
	for ; line > 1; line-- {
		_, rest, ok := strings.Cut(text, "\n")
		if !ok {
			return ""
		}
		text = rest
	}
	text, _, _ = strings.Cut(text, "\n")
	return text
}

// tidy makes a line fit to be shown.
func tidy(line string) string {
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r // invalid UTF-8 comes as U+FFFD
	}, line)
	line = strings.TrimSpace(line)
	if len(line) <= maxLine {
		return line
	}
	end := maxLine
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}
