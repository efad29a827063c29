package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
)

func TestWhatTheDriverSkipsIsNoCall(t *testing.T) {
	b := &fakeDB{on: when(": exec", lastly(driver.ErrSkip))}
	br := new(breaker.Breaker)
	db := open(t, br, b)
	rec := &request.Record{Context: t.Context()}
	for range 500 {
		if _, err := db.ExecContext(rec, "UPDATE book SET title = ?", "Emma"); err != nil {
			t.Fatal(err)
		}
	}
	if s := br.Stats(); s.Calls != 1001 || s.Succeeded != 1000 || s.Uncounted != 1 {
		t.Errorf("%+v, want a connection, and each statement prepared and executed", s)
	}
	got := rec.Backends()[0]
	if got.Calls != 1001 || len(got.Running) != 0 {
		t.Errorf("%+v", got)
	}
	for i, want := range []request.Statement{
		{Text: "PREPARE UPDATE book SET title = ?", Calls: 500}, {Text: "UPDATE book SET title = ?", Calls: 500}, {Text: "connect", Calls: 1},
	} {
		if s := got.Statements[i]; s.Text != want.Text || s.Calls != want.Calls {
			t.Errorf("%+v, want %+v", s, want)
		}
	}
}

func TestWhatTheDriverSkipsTooLateHasFailed(t *testing.T) {
	b := &fakeDB{on: when(": exec", func(context.Context) error { time.Sleep(2 * s); return driver.ErrSkip })}
	br := &breaker.Breaker{Timeout: s}
	bubble(t, br, b, func(t *testing.T, db *sql.DB) {
		if _, err := db.Exec("UPDATE"); err != nil {
			t.Error(err)
		}
		if got := br.Stats(); got.Calls != 4 || got.Failed != 1 || got.Succeeded != 2 || got.Overdue != 0 || got.InProgress != 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestTheTallyNamesTheCallInProgress(t *testing.T) {
	b := &fakeDB{data: [][]int64{{1}}}
	br := &breaker.Breaker{Name: "mysql"}
	db := open(t, br, b)
	rec := &request.Record{Context: t.Context()}
	var running []string
	b.on = func(_ context.Context, what string) error {
		if list := rec.Backends(); list != nil && len(list[0].Running) > 0 {
			running = append(running, list[0].Running[0].Statement)
		}
		return nil
	}
	tx, err := db.BeginTx(rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	tx.ExecContext(rec, "DELETE FROM cart WHERE id = 17")
	tx.QueryContext(rec, "SELECT 'secret'")
	tx.Commit()
	db.PingContext(rec)
	want := "connect, BEGIN, DELETE FROM cart WHERE id = ?, SELECT ?, SELECT ?, COMMIT, , ping"
	if got := strings.Join(running, ", "); got != want {
		t.Errorf("in progress were\n%s, want\n%s", got, want)
	}
	if s := br.Stats(); len(s.Statements) != 6 {
		t.Errorf("%+v, want six kinds of statement", s.Statements)
	}
}
