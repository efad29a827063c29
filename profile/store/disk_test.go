package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/store"
)

// diskEnv names the directory that a disk of 256 KiB is mounted at, in the process that has it.
const diskEnv = "HEELER_STORE_TEST_DISK"

// TestDirOnAFullAndOnAReadOnlyDisk runs onDisk in a process that may mount one, and has no HOME.
func TestDirOnAFullAndOnAReadOnlyDisk(t *testing.T) {
	if err := exec.Command("unshare", "-rm", "true").Run(); err != nil {
		t.Skipf("needs unshare -rm (util-linux, user namespaces): %v", err)
	}
	test, err := os.Executable()
	must(t, err)
	disk := t.TempDir()
	mounted := exec.Command("unshare", "-rm", "sh", "-ec", `mount -t tmpfs -o size=256k none "$0"; exec "$1"`, disk, test)
	mounted.Env = []string{"PATH=" + os.Getenv("PATH"), diskEnv + "=" + disk}
	if out, err := mounted.Output(); err != nil || string(out) != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// onDisk is the test's other half. It prints what is wrong.
func onDisk() (code int) {
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			code = 1
			fmt.Printf(format+"\n", args...)
		}
	}
	disk := os.Getenv(diskEnv)
	d := &store.Dir{Path: disk + "/profiles", MaxCount: 2}
	expect(d.Create("a", make([]byte, 50_000)) == nil, "a is not kept")
	expect(d.Create("b", make([]byte, 50_000)) == nil, "b is not kept")

	for _, write := range []func(string, []byte) error{d.Put, d.Create} {
		err := write("c", make([]byte, 250_000))
		expect(err != nil && strings.HasPrefix(err.Error(), "store: cannot keep c in Dir.Path, "+d.Path+": ") &&
			strings.HasSuffix(err.Error(), "no space left on device"), "full disk: %v", err)
	}
	expired := time.Now().Add(-25 * time.Hour)
	old, crumb := d.Path+"/profile_old.heeler", d.Path+"/.heeler-0.tmp"
	expect(os.WriteFile(old, make([]byte, 50_000), 0o600) == nil, "no expired entry can be made")
	expect(os.WriteFile(crumb, make([]byte, 50_000), 0o600) == nil, "no leftover can be made")
	expect(os.Chtimes(old, expired, expired) == nil && os.Chtimes(crumb, expired, expired) == nil, "they are new")
	expect(d.Put("a", make([]byte, 50_000)) == nil, "a is not replaced though what has expired takes the space")

	expect(d.Put("a", make([]byte, 50_001)) == nil, "a is not replaced though there is space")
	expect(read(d) == "a=50001 b=50000", "after a full disk there is %s", read(d))
	left, _ := os.ReadDir(d.Path)
	expect(len(left) == 2, "left behind: %v", left)

	out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput()
	expect(err == nil, "%s", out)
	missing := &store.Dir{Path: disk + "/missing"}
	for _, d := range []*store.Dir{d, missing} {
		err := d.Put("a", []byte("x"))
		expect(err != nil && strings.HasPrefix(err.Error(), "store: cannot keep a in Dir.Path, "+d.Path+": ") &&
			strings.HasSuffix(err.Error(), "read-only file system"), "read-only disk: %v", err)
	}
	expect(read(d) == "a=50001 b=50000", "on a read-only disk there is %s", read(d))
	fmt.Println("done")
	return code
}

func read(d *store.Dir) string {
	var sizes []string
	for _, id := range []string{"a", "b", "c"} {
		if data, err := d.Get(id); err == nil {
			sizes = append(sizes, fmt.Sprintf("%s=%d", id, len(data)))
		}
	}
	return strings.Join(sizes, " ")
}
