package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// roleVar makes this program play a role in a measurement of proxies, and nothing else: what the
// proxy's process does is then the proxy's doing, and client and backend disturb it no more than
// strangers would.
const roleVar = "HEELER_BENCH_ROLE"

// A role is what a child process does until its standard input ends.
type role struct {
	Part    string // partBackend or a contender's name
	Talk    string // partBackend: of which talk
	Backend string // a contender: where it relays to
	Profile string // a contender: the file for its CPU profile, or nothing
}

const partBackend = "backend"

// answerAsChild does what the environment asks for and says whether it asked.
func answerAsChild(r io.Reader, w io.Writer) (asked bool, err error) {
	if asked, err := answerForOne(w, stallVar, measureStall); asked {
		return true, err
	}
	if asked, err := answerForOne(w, profileVar, measureProfile); asked {
		return true, err
	}
	if value, asked := os.LookupEnv(socketsVar); asked {
		return true, serveSockets(value, r, w)
	}
	value, asked := os.LookupEnv(roleVar)
	if !asked {
		return false, nil
	}
	var mine role
	if err := json.Unmarshal([]byte(value), &mine); err != nil {
		return true, fmt.Errorf("bench: %s is %q, want a role: %w", roleVar, value, err)
	}
	return true, mine.play(r, w)
}

// play says where the child listens, then for each line on r how much CPU time it has used so far, and
// ends with r.
func (mine role) play(r io.Reader, w io.Writer) error {
	if mine.Profile != "" {
		f, err := os.Create(mine.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	addr, err := mine.begin()
	if err != nil {
		return err
	}
	fmt.Fprintln(w, addr)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fmt.Fprintln(w, cpuTime())
	}
	return lines.Err()
}

func (mine role) begin() (addr string, err error) {
	if mine.Part == partBackend {
		all := talks()
		i := slices.IndexFunc(all, func(t talk) bool { return t.name == mine.Talk })
		if i < 0 {
			return "", fmt.Errorf("bench: nobody speaks %q", mine.Talk)
		}
		return serveTalk(all[i])
	}
	all := contenders()
	i := slices.IndexFunc(all, func(c contender) bool { return c.name == mine.Part })
	if i < 0 {
		return "", fmt.Errorf("bench: nobody is called %q", mine.Part)
	}
	return all[i].start(mine.Backend)
}

// A child is a process that plays a role.
type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startChild(r role) (*child, error) { return spawn(r.Part, roleVar, r) }

// spawn starts this program with the variable set to what the child is to do, and reads where it listens.
func spawn(name, variable string, what any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), variable+"="+string(value))
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if c.addr, err = c.line(); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: %s did not start: %w", name, err), stop(c))
	}
	return c, nil
}

func (c *child) line() (string, error) {
	line, err := c.out.ReadString('\n')
	return strings.TrimSpace(line), err
}

// cpu is how much CPU time the child has used so far.
func (c *child) cpu() (time.Duration, error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return 0, err
	}
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	return time.ParseDuration(line)
}

// stop ends children, all at once, and by force those that do not end by themselves.
func stop(children ...*child) (err error) {
	for _, c := range children {
		c.in.Close()
	}
	for _, c := range children {
		force := time.AfterFunc(10*time.Second, func() { c.cmd.Process.Kill() })
		err = errors.Join(err, c.cmd.Wait())
		force.Stop()
	}
	return err
}
