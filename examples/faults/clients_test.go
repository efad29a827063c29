package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A backend is a real server, and the client that people use with it.
type backend struct {
	name     string // of the protocol, for the table
	client   string // the client's import path, or its name
	server   string
	protocol wire.Protocol
	addr     string

	code string // an error in the protocol's terms
	want string // and what the client makes of it

	// drops says that the client closes its connection after any error of the server, which it need
	// not.
	drops bool

	// mute says that the protocol has no requests and no errors.
	mute bool

	// open gives a client that makes no connection before it is asked to.
	open func(t testing.TB, addr string) *client

	// typed names an error that is of the client's own type; empty: it is not.
	typed func(error) string
}

// A client keeps one connection, as its pool or its user would.
type client struct {
	// call makes one request, until the context ends, and fails with errWrong where the answer is not
	// the right one.
	call  func(ctx context.Context) error
	close func()
}

// errWrong is a wrong answer which the client has taken for a right one.
var errWrong = errors.New("wrong data, unnoticed")

// payload is what each request gets, or sends: large enough for a narrow line to be felt.
var payload = strings.Repeat("heeler nips. ", 4096/13)

func check(got string, err error) error {
	if err == nil && got != payload {
		return errWrong
	}
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func backends(t *testing.T) []backend {
	return []backend{mariaDB(t), postgreSQL(t), redisServer(t), memcached(t), openLDAP(t), mail(t), web(t), plain(t)}
}

// typedAs names errors of a type by what tells them apart.
func typedAs[E error](show func(E) any) func(error) string {
	return func(err error) string {
		var e E
		if errors.As(err, &e) {
			return fmt.Sprintf("%T %v", e, show(e))
		}
		return ""
	}
}
