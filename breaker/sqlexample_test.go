package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func ExampleBreaker_Connector() {
	var connector driver.Connector = new(fakeDB) // as mysql.NewConnector makes it, or pgx's stdlib.GetConnector

	db := &breaker.Breaker{Name: "mysql", Timeout: 500 * time.Millisecond}
	pool := sql.OpenDB(db.Connector(connector))
	defer pool.Close()

	_, err := pool.Exec("UPDATE book SET price = ? WHERE title = ?", 12, "Emma")
	fmt.Println(err)

	db.Open(0) // as an outage does
	_, err = pool.Exec("UPDATE book SET price = ? WHERE title = ?", 13, "Emma")
	var refusal *breaker.OpenError
	fmt.Println(errors.As(err, &refusal), refusal.Name)
	// Output:
	// <nil>
	// true mysql
}

func ExampleDriverConn() {
	pool := sql.OpenDB(new(breaker.Breaker).Connector(new(fakeDB)))
	defer pool.Close()
	conn, err := pool.Conn(context.Background())
	if err != nil {
		panic(err)
	}
	defer conn.Close()

	// With pgx: breaker.DriverConn(c).(*stdlib.Conn).Conn() is the *pgx.Conn.
	err = conn.Raw(func(c any) error {
		number := breaker.DriverConn(c).(interface{ ID() int }).ID()
		fmt.Println("connection", number)
		return nil
	})
	fmt.Println(err)
	// Output:
	// connection 1
	// <nil>
}
