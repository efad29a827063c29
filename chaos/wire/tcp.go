package wire

import "fmt"

// TCP is any protocol that this package does not know: bytes, without requests that one could tell
// apart and without a word for no.
var TCP Protocol = tcp{}

type tcp struct{}

func (tcp) Name() string { return "tcp" }

func (tcp) Follow() Conversation { return nil }

func (tcp) Check(why Why) error {
	if why.Code != "" || why.Message != "" {
		return fmt.Errorf("wire: tcp has no errors of its own: Code and Message must be empty, they are %q and %q", why.Code, why.Message)
	}
	return nil
}
