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
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.lines[at]; ok {
		return text
	}
	if s.lines == nil || len(s.lines) >= maxLines {
		s.lines = map[place]string{}
	}
	s.lines[at] = tidy(find(read(file), line))
	return s.lines[at]
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

func find(text string, line int) string {
	for n := 1; ; n++ {
		this, rest, more := strings.Cut(text, "\n")
		if n == line {
			return this
		}
		if !more {
			return ""
		}
		text = rest
	}
}

// tidy makes a line fit to be shown.
func tidy(line string) string {
	line = strings.TrimSpace(line)
	cut := len(line) > maxLine
	if cut {
		line = line[:maxLine]
		for len(line) > 0 && !utf8.ValidString(line[len(line)-1:]) && !utf8.FullRuneInString(line) {
			line = line[:len(line)-1]
		}
	}
	line = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(line, "\uFFFD"))
	if cut {
		line += "…"
	}
	return line
}
