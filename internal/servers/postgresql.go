package servers

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// removeSegment removes the small segment of shared memory that a killed server leaves to its
// successor. Without a successor it would stay until the machine is started anew, and some 4,000 of them
// are too many for any PostgreSQL to start. Its number is in the seventh line of postmaster.pid.
const removeSegment = `[ ! -e data/postmaster.pid ] || ipcrm --shmem-id "$(awk 'NR == 7 { print $2 }' data/postmaster.pid)"`

// PostgreSQL starts a PostgreSQL server. Its account is a superuser; the database is postgres.
func PostgreSQL(t testing.TB) *Server {
	t.Helper()
	server := Program(t, "postgresql", "postgres")
	initdb := Program(t, "postgresql", "initdb")
	password := rand.Text()
	data := func(s *Server) string { return filepath.Join(s.Dir, "data") }
	s := run(t, kind{
		name: "postgresql",
		prepare: func(s *Server) error {
			file := filepath.Join(s.Dir, "password")
			if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
				return err
			}
			if err := handOver(file); err != nil {
				return err
			}
			return s.tool(initdb, "--pgdata="+data(s), "--username=heeler", "--pwfile="+file, "--auth=password",
				"--encoding=UTF8", "--locale=C", "--wal-segsize=1", "--no-sync")
		},
		command: func(s *Server, port string) []string {
			return []string{server, "-D", data(s), "-h", "127.0.0.1", "-p", port,
				// Nothing waits for the disk: what the system was given survives the death of the
				// server, and nothing here survives that of the system.
				"-c", "fsync=off", "-c", "full_page_writes=off",
				"-c", "shared_buffers=8MB", "-c", "autovacuum=off",
				// No files of its own in /tmp and /dev/shm, where a killed server would leave them.
				"-c", "unix_socket_directories=", "-c", "dynamic_shared_memory_type=mmap",
			}
		},
		answers: asksForPassword,
		orderly: syscall.SIGINT, // at SIGTERM it would wait until its clients leave
		last:    removeSegment,
	}, freePort)
	s.User, s.Password, s.Database = "heeler", password, "postgres"
	s.DSN = fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable", s.User, s.Password, s.Addr, s.Database)
	return s
}

// asksForPassword sends a startup message and reads how the server wants to know who we are. One that
// is still starting answers with an error, E.
func asksForPassword(conn net.Conn) error {
	message := binary.BigEndian.AppendUint32(nil, 3<<16) // version 3.0 of the protocol
	message = append(message, "user\x00heeler\x00database\x00postgres\x00\x00"...)
	message = append(binary.BigEndian.AppendUint32(nil, uint32(4+len(message))), message...)
	if _, err := conn.Write(message); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[0] != 'R' {
		return fmt.Errorf("answered %q, not R", answer)
	}
	return nil
}
