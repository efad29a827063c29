package servers

import (
	"fmt"
	"io"
	"net"
)

// exchange gives a question to a server whose answer begins in a known way.
func exchange(question, answer string) func(net.Conn) error {
	return func(conn net.Conn) error {
		if _, err := io.WriteString(conn, question); err != nil {
			return err
		}
		got := make([]byte, len(answer))
		if _, err := io.ReadFull(conn, got); err != nil {
			return err
		}
		if string(got) != answer {
			return fmt.Errorf("answered %q to %q, not %q", got, question, answer)
		}
		return nil
	}
}
