package echo_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestItSaysBackWhatItIsToldUntilTheTestEnds(t *testing.T) {
	var conn net.Conn
	t.Run("a test", func(t *testing.T) {
		var err error
		if conn, err = net.Dial("tcp", echo.Start(t)); err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "hello")
		got := make([]byte, len("hello"))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
			t.Errorf("it said %q, %v", got, err)
		}
	})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("behind the test's end there are %d bytes, %v; want the connection to be closed", n, err)
	}
	if late, err := net.Dial("tcp", conn.RemoteAddr().String()); err == nil {
		late.Close()
		t.Error("it still listens")
	}
}
