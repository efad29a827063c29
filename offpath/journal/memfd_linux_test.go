package journal_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/heeler-go/heeler/offpath/journal"
)

// memfds counts the files in memory that this process has open for the journal.
func memfds(t *testing.T) (count int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, "/memfd:journal") {
			count++
		}
	}
	return count
}

// TestALargeEntryIsAFileThatNobodyCanChange looks at what journald gets: it refuses an unsealed file from all
// but root, and before version 253 one with any other seals.
func TestALargeEntryIsAFileThatNobodyCanChange(t *testing.T) {
	l := listen(t)
	s := &journal.Sender{Path: l.path}
	defer s.Close()
	message := strings.Repeat("0123456789", 100<<10)
	if err := s.Send(journal.Entry{Message: message}); err != nil {
		t.Fatal(err)
	}
	data, rights := make([]byte, 100), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(data, rights)
	if err != nil || n != 0 {
		t.Fatalf("the datagram has %d bytes, %v", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(rights[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%d files, %v", len(fds), err)
	}
	file := os.NewFile(uintptr(fds[0]), "received")
	defer file.Close()
	want := unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if rule, err := os.ReadFile("/proc/sys/vm/memfd_noexec"); err == nil && string(rule) != "0\n" {
		want |= unix.F_SEAL_EXEC // this system adds it to all
	}
	if seals, err := unix.FcntlInt(file.Fd(), unix.F_GET_SEALS, 0); err != nil || seals != want {
		t.Errorf("its seals are %#x, not %#x, %v", seals, want, err)
	}
	content, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	fields, err := decode(content)
	if err != nil || len(fields) != 2 || fields[1].Value != message {
		t.Errorf("it has %d fields, %v", len(fields), err)
	}
}

func TestNoFileIsLeftOpen(t *testing.T) {
	full, absent := &journal.Sender{Path: listen(t).path}, &journal.Sender{Path: filepath.Join(t.TempDir(), "none")}
	defer full.Close()
	defer absent.Close()
	before := memfds(t)
	for range 50 {
		for _, s := range []*journal.Sender{full, absent} {
			s.Send(journal.Entry{Message: strings.Repeat("x", 100<<10)})
		}
	}
	if full.Stats().Sent == 0 || full.Stats().Dropped == 0 || absent.Stats().Dropped != 50 {
		t.Errorf("sent to a full one: %+v, to none: %+v", full.Stats(), absent.Stats())
	}
	if after := memfds(t); after != before {
		t.Errorf("%d files are open, %d were", after, before)
	}
}

// TestNoFileIsMadeOfWhatIsDroppedAnyway forbids this process to write files of that size, so that one that tries says
// so. To make them takes far longer than a drop may.
func TestNoFileIsMadeOfWhatIsDroppedAnyway(t *testing.T) {
	full, absent := &journal.Sender{Path: listen(t).path}, &journal.Sender{Path: filepath.Join(t.TempDir(), "none")}
	defer full.Close()
	defer absent.Close()
	for full.Send(journal.Entry{Message: "small"}) == nil {
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 64 << 10, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
	large := journal.Entry{Message: strings.Repeat("x", 100<<10)}
	if err := full.Send(large); err != journal.ErrFull {
		t.Errorf("to one that hangs: %v", err)
	}
	if err := absent.Send(large); err != journal.ErrAbsent {
		t.Errorf("to none: %v", err)
	}
}
