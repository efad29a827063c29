//go:build !linux

package servers

import (
	"errors"
	"os"
)

// Elsewhere than on Linux no program is ever found, so none of this is called.

type process struct {
	done  chan struct{}
	state *os.ProcessState
}

func launch([]string, string, *os.File) (*process, error) { return nil, errors.ErrUnsupported }
func (*process) wait() error                              { return errors.ErrUnsupported }
func (*process) signal(os.Signal) error                   { return errors.ErrUnsupported }
func (*process) freeze() ([]int, error)                   { return nil, errors.ErrUnsupported }
func (*process) thaw() error                              { return errors.ErrUnsupported }
func (*process) kill() error                              { return errors.ErrUnsupported }
func handOver(string) error                               { return errors.ErrUnsupported }

type keeper struct{}

func keep(_, _ string) (*keeper, error) { return nil, errors.ErrUnsupported }
func (*keeper) watch([]int)             {}
func (*keeper) end()                    {}
