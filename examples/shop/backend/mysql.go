package backend

import (
	"errors"
	"fmt"
	"io"
	"net"

	sqle "github.com/dolthub/go-mysql-server"
	"github.com/dolthub/go-mysql-server/memory"
	"github.com/dolthub/go-mysql-server/server"
	"github.com/dolthub/go-mysql-server/sql"
	"github.com/sirupsen/logrus"
)

// MySQL starts a MySQL server (dolthub/go-mysql-server: it speaks the protocol and runs the SQL of
// MySQL 8, in pure Go) with one empty database. It lets in any user without a password.
func MySQL(database string) (*Server, error) {
	logrus.SetOutput(io.Discard) // it logs every connection through the one global logger, and has no other switch

	db := memory.NewDatabase(database)
	db.EnablePrimaryKeyIndexes()
	provider := memory.NewDBProvider(db)
	engine := sqle.NewDefault(provider)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("backend: mysql: %w", err)
	}
	config := server.Config{Listener: listener}
	s, err := server.NewServer(config, engine, sql.NewContext, memory.NewSessionBuilder(provider), nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("backend: mysql: %w", err), listener.Close())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Start() // returns when it is closed; its error is always nil
	}()
	return &Server{Addr: listener.Addr().String(), close: func() error {
		err := s.Close()
		<-done
		engine.Close() // its error says only that the context has ended which it ends itself
		return err
	}}, nil
}
