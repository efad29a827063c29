package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func TestAStatementWithAPasswordIsSecret(t *testing.T) {
	long := strings.Repeat("x", 9000)
	for sql, want := range map[string]bool{
		"ALTER USER u PASSWORD 'x'":                             true,
		"alter role u with encrypted password 'x'":              true,
		"CREATE USER u IDENTIFIED BY 'x'":                       true,
		"/* a */ CREATE ROLE u PASSWORD 'x'":                    true,
		"SET PASSWORD = PASSWORD('x')":                          true,
		"GRANT ALL ON a.* TO u Identified By 'x'":               true,
		"CHANGE MASTER TO MASTER_PASSWORD='x'":                  true,
		"CREATE SUBSCRIPTION a CONNECTION 'password=x'":         true,
		"SELECT 1; ALTER USER u PASSWORD 'x'":                   true,
		"/* /* */ SELECT */ ALTER USER u PASSWORD 'x'":          true,
		"CREATE TABLE a (b INT)":                                false,
		"SELECT password FROM users; ":                          false,
		"SELECT 'a;b'":                                          false,
		"BEGIN":                                                 false,
		"":                                                      false,
		"CREATE USER " + long + " IDENTIFIED BY 'x'":            true, // it is not seen whole
		"INSERT INTO a VALUES ('" + long + "')":                 false,
		"/* " + long + " */ ALTER USER u IDENTIFIED BY 'x'":     true,
		"SELECT 1; /* " + long + " */ ALTER USER u PASSWORD ''": false, // nor is this, which is rare
	} {
		secret := func(said string) string {
			if want {
				return fmt.Sprintf(" secret=%d", len(said))
			}
			return ""
		}
		name := sql[:min(len(sql), 60)]
		t.Run(name, func(t *testing.T) {
			for _, said := range []string{query(sql), packet(0, "\x16"+sql)} {
				asked(t, mysqlPlain, []turn{client(said), server(fail)}, request(said)+secret(said), answer(fail))
			}
			said := query("\x00\x01" + sql)
			asked(t, mysqlPlain|1<<27, []turn{client(said), server(fail)}, request(said)+secret(said), answer(fail))

			said = simple(sql)
			reply := pgFail + readyI
			pgAsked(t, []turn{client(said), server(reply)}, request(said)+secret(said), answer(reply))
			parse := pg('P', "a\x00"+sql+"\x00\x00\x00")
			said = parse + bind + execute + endBatch
			pgAsked(t, []turn{client(said), server(reply)}, request(said)+secret(parse), answer(reply))
			said = bind + parse + execute + endBatch
			pgAsked(t, []turn{client(said), server(reply)}, request(said)+secret(parse), answer(reply))
			if want {
				talk := begun(t, wire.MySQL, loggedIn(mysqlPlain|1<<27))
				said := query("\x01\x01\x00\x01\xfe\x00\x01a\x01b" + sql)
				if part := talk.Client([]byte(said)); !part.Secret {
					t.Errorf("with attributes: %+v", part)
				}
			}
		})
	}
}

func TestPostgresKeyForCancellingIsSecret(t *testing.T) {
	key := pg('K', "12345678")
	talk := begun(t, wire.Postgres, []turn{client(startup)})
	said := pg('R', "\x00\x00\x00\x00") + key + readyI
	for _, want := range []wire.Part{{N: 9}, {N: len(key), Secret: true}, {N: 6}} {
		part := talk.Server([]byte(said))
		if part != want {
			t.Errorf("%+v, want %+v", part, want)
		}
		said = said[part.N:]
	}
}
