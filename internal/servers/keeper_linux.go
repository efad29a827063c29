package servers

import (
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// A keeper outlives the test process for a moment, to do what the end of that process cannot do by
// itself: it kills the processes below a server that hang, which neither notice that their parent is
// gone nor have been promised a signal, and removes what the server leaves. It is a shell that reads from
// a pipe of ours, which ends with us, however we end.
type keeper struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// keeping is what the shell does in the directory $1, with the command $2 that a kind of server wants to
// be run last. The directory is removed again and again for a while, since servers may still be about to end.
const keeping = `
hung=
while read -r line; do hung=$line; done
for pid in $hung; do kill -9 "$pid"; done
(cd -- "$1" && eval "$2")
for turn in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	rm -rf -- "$1"
	[ -e "$1" ] || exit 0
	sleep 0.2
done`

// keep sets a keeper over a directory.
func keep(dir, last string) (*keeper, error) {
	as, err := unprivileged()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", keeping, "heeler-keeper", dir, last)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &keeper{cmd, pipe}, cmd.Start()
}

// watch tells the keeper which processes hang now.
func (k *keeper) watch(hung []int) {
	words := make([]string, len(hung))
	for i, pid := range hung {
		words[i] = strconv.Itoa(pid)
	}
	// Without a keeper nothing is lost but the help for a test process that is killed.
	io.WriteString(k.pipe, strings.Join(words, " ")+"\n")
}

// end lets the keeper do its work, now that the server has ended.
func (k *keeper) end() {
	k.pipe.Close()
	k.cmd.Wait()
}
