package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func mountSmall(dir string, size int) error {
	return syscall.Mount("none", dir, "tmpfs", 0, fmt.Sprint("size=", size))
}

func isNoSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) }

func TestAFullDiskRefusesWhatComesAndStillLetsGoOfWhatIsDone(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SPOOL_CHILD=fills", "SPOOL_PATH="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS} // mounts are private to it then
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || bytes.HasPrefix(out, []byte("cannot mount")) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a disk of one's own cannot be had: %v %s", err, out)
		}
		t.Skipf("a disk of one's own cannot be had: %v %s", err, out)
	}
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
