package email

import (
	"bytes"

	"github.com/heeler-go/heeler/alert"
)

// Message is the mail as it goes over the wire, for the tests.
func Message(s Sink, a alert.Alert) ([]byte, error) {
	msg, err := s.message(a)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = msg.WriteTo(&b)
	return b.Bytes(), err
}
