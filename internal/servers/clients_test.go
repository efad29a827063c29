package servers_test

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/heeler-go/heeler/internal/servers"
)

// A client speaks the few bytes of a protocol that are needed to keep one value and read it back. These
// are written out here so that the package is tested without any driver's retries and pools between.
type client interface {
	put(value string) error
	get() (string, error) // empty where there is none
}

// A wire is a connection whose answers are read through a buffer.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func newWire(conn net.Conn) wire { return wire{conn, bufio.NewReader(conn)} }

// read reads n bytes.
func (w wire) read(n int) ([]byte, error) {
	bytes := make([]byte, n)
	_, err := io.ReadFull(w.in, bytes)
	return bytes, err
}

// line asks a question in a protocol of lines and reads one line of answer.
func (w wire) line(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(w, format, args...); err != nil {
		return "", err
	}
	answer, err := w.in.ReadString('\n')
	return strings.TrimRight(answer, "\r\n"), err
}

// expect turns an answer that is not the wanted one into an error.
func expect(want string) func(string, error) error {
	return func(got string, err error) error {
		if err == nil && got != want {
			err = fmt.Errorf("answered %q, want %q", got, want)
		}
		return err
	}
}

type redisClient struct{ wire }

func dialRedis(conn net.Conn, _ *servers.Server) (client, error) {
	return redisClient{newWire(conn)}, nil
}

func (c redisClient) put(value string) error {
	return expect("+OK")(c.line("SET heeler %s\r\n", value))
}

func (c redisClient) get() (string, error) {
	length, err := c.line("GET heeler\r\n")
	if err != nil || length == "$-1" {
		return "", err
	}
	return c.line("")
}

type memcachedClient struct{ wire }

func dialMemcached(conn net.Conn, _ *servers.Server) (client, error) {
	return memcachedClient{newWire(conn)}, nil
}

func (c memcachedClient) put(value string) error {
	return expect("STORED")(c.line("set heeler 0 0 %d\r\n%s\r\n", len(value), value))
}

func (c memcachedClient) get() (string, error) {
	head, err := c.line("get heeler\r\n")
	if err != nil || head == "END" {
		return "", err
	}
	value, err := c.line("")
	if err != nil {
		return "", err
	}
	return value, expect("END")(c.line(""))
}

type mariadbClient struct{ wire }

// dialMariaDB reads the greeting, whose two halves of a challenge stand after the version's name and
// eleven bytes from the end of fixed fields, and answers with mysql_native_password.
func dialMariaDB(conn net.Conn, s *servers.Server) (client, error) {
	c := mariadbClient{newWire(conn)}
	greeting, err := c.packet()
	if err != nil {
		return nil, err
	}
	rest := greeting[1+bytes.IndexByte(greeting, 0)+4:] // the version's name and the connection's number
	challenge := append(append([]byte{}, rest[:8]...), rest[8+19:8+19+12]...)
	once := sha1.Sum([]byte(s.Password))
	twice := sha1.Sum(once[:])
	proof := sha1.Sum(append(challenge, twice[:]...))
	for i := range proof {
		proof[i] ^= once[i]
	}
	const capabilities = 0x1 | 0x8 | 0x200 | 0x8000 | 0x80000 // long password, database, 4.1, secure, plugins
	answer := binary.LittleEndian.AppendUint32(nil, capabilities)
	answer = binary.LittleEndian.AppendUint32(answer, 1<<24)
	answer = append(answer, make([]byte, 24)...)
	answer[8] = 45 // utf8mb4
	answer = append(answer, s.User+"\x00\x14"+string(proof[:])+s.Database+"\x00mysql_native_password\x00"...)
	_, err = c.ask(1, answer)
	return c, err
}

// packet reads one packet: three bytes of length, a number, the content.
func (c mariadbClient) packet() ([]byte, error) {
	head, err := c.read(4)
	if err != nil {
		return nil, err
	}
	content, err := c.read(int(head[0]) | int(head[1])<<8 | int(head[2])<<16)
	if err == nil && len(content) > 0 && content[0] == 0xff {
		err = errors.New(string(content[3:]))
	}
	return content, err
}

func (c mariadbClient) ask(number byte, content []byte) ([]byte, error) {
	head := []byte{byte(len(content)), byte(len(content) >> 8), 0, number}
	if _, err := c.Write(append(head, content...)); err != nil {
		return nil, err
	}
	return c.packet()
}

func (c mariadbClient) query(sql string) ([]byte, error) { return c.ask(0, []byte("\x03"+sql)) }

func (c mariadbClient) put(value string) error {
	for _, sql := range []string{
		"CREATE TABLE IF NOT EXISTS kept (value VARCHAR(99)) ENGINE=InnoDB",
		"DELETE FROM kept",
		"INSERT INTO kept VALUES ('" + value + "')",
	} {
		if _, err := c.query(sql); err != nil {
			return err
		}
	}
	return nil
}

// get reads a result: the number of columns, one column, an end, rows, an end.
func (c mariadbClient) get() (value string, err error) {
	if _, err = c.query("SELECT value FROM kept"); err != nil {
		return "", err
	}
	for ends := 0; ends < 2; {
		packet, err := c.packet()
		switch {
		case err != nil:
			return "", err
		case packet[0] == 0xfe:
			ends++
		case ends == 1:
			value = string(packet[1:])
		}
	}
	return value, nil
}

type postgresClient struct{ wire }

func dialPostgreSQL(conn net.Conn, s *servers.Server) (client, error) {
	c := postgresClient{newWire(conn)}
	startup := "\x00\x03\x00\x00user\x00" + s.User + "\x00database\x00" + s.Database + "\x00\x00"
	if err := c.send("", startup); err != nil {
		return nil, err
	}
	if kind, content, err := c.message(); err != nil || kind != 'R' || content != "\x00\x00\x00\x03" {
		return nil, fmt.Errorf("asked for %c%q, not for a password: %w", kind, content, err)
	}
	_, err := c.answers("p", s.Password+"\x00")
	return c, err
}

// send writes one message: its kind, four bytes of length, the content.
func (c postgresClient) send(kind, content string) error {
	length := binary.BigEndian.AppendUint32(nil, uint32(4+len(content)))
	_, err := io.WriteString(c, kind+string(length)+content)
	return err
}

func (c postgresClient) message() (kind byte, content string, err error) {
	head, err := c.read(5)
	if err != nil {
		return 0, "", err
	}
	rest, err := c.read(int(binary.BigEndian.Uint32(head[1:])) - 4)
	if err == nil && head[0] == 'E' {
		err = fmt.Errorf("%q", rest)
	}
	return head[0], string(rest), err
}

// answers sends a message and reads all up to "ready for query"; it gives the last row's only column.
func (c postgresClient) answers(kind, content string) (value string, err error) {
	if err := c.send(kind, content); err != nil {
		return "", err
	}
	for {
		kind, content, err := c.message()
		switch {
		case err != nil:
			return "", err
		case kind == 'D':
			value = content[6:]
		case kind == 'Z':
			return value, nil
		}
	}
}

func (c postgresClient) put(value string) error {
	_, err := c.answers("Q", "CREATE TABLE IF NOT EXISTS kept (value text); DELETE FROM kept; INSERT INTO kept VALUES ('"+value+"')\x00")
	return err
}

func (c postgresClient) get() (string, error) { return c.answers("Q", "SELECT value FROM kept\x00") }

type ldapClient struct {
	wire
	base string
}

// ber writes one element of ASN.1's basic encoding, with contents below 128 bytes.
func ber(tag byte, parts ...string) string {
	content := strings.Join(parts, "")
	return string([]byte{tag, byte(len(content))}) + content
}

func dialLDAP(conn net.Conn, s *servers.Server) (client, error) {
	c := ldapClient{newWire(conn), s.Database}
	_, err := c.ask(ber(0x60, ber(0x02, "\x03"), ber(0x04, s.User), ber(0x80, s.Password)), 0)
	return c, err
}

// ask sends a request and reads its answers up to the last, whose result must be the given one. It
// returns the answers before the last.
func (c ldapClient) ask(request string, result byte) (entries string, err error) {
	if _, err := io.WriteString(c, ber(0x30, ber(0x02, "\x01"), request)); err != nil {
		return "", err
	}
	for {
		head, err := c.read(2)
		if err != nil {
			return "", err
		}
		content, err := c.read(int(head[1]))
		if err != nil {
			return "", err
		}
		operation := content[3:]  // after the number of the message
		if operation[0] == 0x64 { // an entry
			entries += string(operation)
			continue
		}
		if operation[4] != result {
			return "", fmt.Errorf("result %d: %q", operation[4], operation)
		}
		return entries, nil
	}
}

func (c ldapClient) put(value string) error {
	attribute := ber(0x30, ber(0x04, "description"), ber(0x31, ber(0x04, value)))
	replace := ber(0x30, ber(0x0a, "\x02"), attribute)
	_, err := c.ask(ber(0x66, ber(0x04, c.base), ber(0x30, replace)), 0)
	return err
}

// get searches for the base entry and takes what follows the attribute's name.
func (c ldapClient) get() (string, error) {
	whatever := ber(0x87, "objectClass")
	none := ber(0x02, "\x00")
	entry, err := c.ask(ber(0x63, ber(0x04, c.base), ber(0x0a, "\x00"), ber(0x0a, "\x00"), none, none, ber(0x01, "\x00"),
		whatever, ber(0x30, ber(0x04, "description"))), 0)
	_, value, found := strings.Cut(entry, "description")
	if !found {
		return "", err
	}
	return value[4:], err // a set of one string
}
