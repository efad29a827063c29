package breaker_test

import (
	"database/sql/driver"
	"testing"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/breaker/testdata/github.com/lib/pq"
)

// traced is a connection in a wrapper that can be seen through.
type traced struct{ driver.Conn }

func (c traced) Raw() driver.Conn { return c.Conn }

func TestPostgreSQLsNamesAreKeptWhereItsDriverIsKnown(t *testing.T) {
	const known, unknown = `SELECT id FROM book WHERE author = ?`, `SELECT ? FROM book WHERE ? = ?`
	for _, c := range []struct {
		name  string
		dress func(*fakeConn) driver.Conn
		want  string
	}{
		{"a driver of PostgreSQL", func(c *fakeConn) driver.Conn { return &pq.Conn{Conn: c} }, known},
		{"in a wrapper", func(c *fakeConn) driver.Conn { return traced{&pq.Conn{Conn: c}} }, known},
		{"another driver", func(c *fakeConn) driver.Conn { return c }, unknown},
		{"another in a wrapper", func(c *fakeConn) driver.Conn { return traced{c} }, unknown},
	} {
		br := new(breaker.Breaker)
		if _, err := open(t, br, &fakeDB{dress: c.dress}).Exec(`SELECT "id" FROM "book" WHERE "author" = 'x'`); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		found := false
		for _, s := range br.Stats().Statements {
			found = found || s.Text == c.want
		}
		if !found {
			t.Errorf("%s: the statements are %+v, want %s among them", c.name, br.Stats().Statements, c.want)
		}
	}
}
