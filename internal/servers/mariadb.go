package servers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// MariaDB starts a MariaDB server, for MySQL's protocol. Its account may do everything.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	server := Program(t, "mariadb-server", "mariadbd")
	install := Program(t, "mariadb-server", "mariadb-install-db")
	password := rand.Text()
	data := func(s *Server) string { return filepath.Join(s.Dir, "data") }
	accounts := func(s *Server) string { return filepath.Join(s.Dir, "accounts.sql") }
	// Nothing waits for the disk: what the system was given survives the death of the server, and
	// nothing here survives that of the system.
	frugal := []string{
		"--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-autoextend-increment=1",
		"--innodb-flush-log-at-trx-commit=2", "--innodb-flush-method=nosync", "--innodb-use-native-aio=0",
		"--skip-name-resolve",
	}
	s := run(t, kind{
		name: "mariadb",
		prepare: func(s *Server) error {
			sql := fmt.Sprintf("CREATE DATABASE IF NOT EXISTS heeler;\n"+
				"CREATE USER IF NOT EXISTS heeler@'127.0.0.1' IDENTIFIED BY '%s';\n"+
				"GRANT ALL ON *.* TO heeler@'127.0.0.1' WITH GRANT OPTION;\n", password)
			if err := os.WriteFile(accounts(s), []byte(sql), 0o600); err != nil {
				return err
			}
			if err := handOver(accounts(s)); err != nil {
				return err
			}
			return s.tool(append([]string{install, "--no-defaults", "--datadir=" + data(s), "--skip-test-db"}, frugal...)...)
		},
		command: func(s *Server, port string) []string {
			return append([]string{server, "--no-defaults",
				"--bind-address=127.0.0.1", "--port=" + port, "--socket=" + filepath.Join(s.Dir, "socket"),
				"--datadir=" + data(s), "--tmpdir=" + s.Dir, "--pid-file=" + filepath.Join(s.Dir, "pid"),
				"--init-file=" + accounts(s), "--skip-log-bin",
				// A client that goes away in the middle of a handshake, as ours do in an outage, is
				// neither counted, until its whole host is refused, nor remembered.
				"--max-connect-errors=4294967295", "--host-cache-size=0",
			}, frugal...)
		},
		answers: greets,
	}, freePort)
	s.User, s.Password, s.Database = "heeler", password, "heeler"
	s.DSN = fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User, s.Password, s.Addr, s.Database)
	return s
}

// greets reads the beginning of MySQL's handshake, with which the server speaks first: a header of four
// bytes and the version of the protocol. 255 would be an error.
func greets(conn net.Conn) error {
	var greeting [5]byte
	if _, err := io.ReadFull(conn, greeting[:]); err != nil {
		return err
	}
	if greeting[4] != 10 {
		return errors.New("no handshake of version 10")
	}
	return nil
}
