//go:build go1.27

package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// scanRows put a column where the caller wants it, and know no Next.
type scanRows struct {
	*fakeRows
	ctx context.Context
}

func (scanRows) Next([]driver.Value) error { panic("database/sql must not call Next") }

func (r scanRows) NextRow() error {
	if r.at++; r.at > 3 {
		return io.EOF
	}
	return r.c.b.ask(r.ctx, "row %d", r.at)
}

func (r scanRows) ScanColumn(_ driver.ScanContext, i int, dest any) error {
	*dest.(*[]int) = []int{i, r.at}
	return nil
}

type scanQuery struct{ of *fakeConn }

func (q scanQuery) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return scanRows{&fakeRows{c: q.of}, ctx}, nil
}

func TestADriverMayScanItsColumnsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeDB{on: when("row 3", sulks), dress: func(c *fakeConn) driver.Conn {
			return struct {
				*fakeConn
				scanQuery
			}{c, scanQuery{c}}
		}}
		br := &breaker.Breaker{Timeout: time.Second}
		db := sql.OpenDB(br.Connector(b))
		defer db.Close()
		rows, err := db.Query("SELECT")
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; rows.Next(); n++ {
			time.Sleep(time.Hour)
			var got []int
			if err := rows.Scan(&got); err != nil || len(got) != 2 || got[1] != n {
				t.Errorf("row %d is %v, %v", n, got, err)
			}
		}
		wantInTime(t, time.Now().Add(-time.Second), rows.Err(), time.Second)
	})
}
