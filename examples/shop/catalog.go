package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/shop/books"
)

// A catalog is the books in MySQL. No query has a timeout of its own: the breaker gives it one, in the
// context that reaches the driver.
type catalog struct{ db *sql.DB }

var errNoBook = errors.New("there is no such book")

// errUnknownDatabase is what MySQL says of a database that was not created yet.
const errUnknownDatabase = 1049

// openCatalog connects to the database, and creates it, its table and the books where they are
// missing. That may take its time; what visitors wait for goes through the breaker.
func openCatalog(ctx context.Context, cfg *mysql.Config, b *breaker.Breaker) (*catalog, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	if err := create(ctx, cfg, connector); err != nil {
		return nil, err
	}
	// One hung query holds one connection until its timeout, when the driver closes it. So the pool
	// is never wedged; its bound keeps a crowd of waiting shoppers from becoming a crowd of
	// connections.
	db := sql.OpenDB(b.Connector(connector))
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)
	return &catalog{db}, nil
}

func create(ctx context.Context, cfg *mysql.Config, connector driver.Connector) error {
	db := sql.OpenDB(connector)
	defer db.Close()
	err := db.PingContext(ctx)
	if unknown := (*mysql.MySQLError)(nil); errors.As(err, &unknown) && unknown.Number == errUnknownDatabase {
		err = createDatabase(ctx, cfg)
	}
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS heeler_books (
		id     INT PRIMARY KEY,
		title  VARCHAR(200) NOT NULL,
		author VARCHAR(200) NOT NULL,
		year   INT NOT NULL,
		pages  INT NOT NULL,
		cents  INT NOT NULL,
		genre  VARCHAR(50) NOT NULL,
		blurb  VARCHAR(500) NOT NULL
	) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`)
	if err != nil {
		return err
	}
	for _, b := range books.All() {
		_, err := db.ExecContext(ctx, `INSERT IGNORE INTO heeler_books VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			b.ID, b.Title, b.Author, b.Year, b.Pages, b.Cents, b.Genre, b.Blurb)
		if err != nil {
			return err
		}
	}
	return nil
}

// createDatabase creates the database of a DSN over a connection that names none.
func createDatabase(ctx context.Context, cfg *mysql.Config) error {
	server := cfg.Clone()
	server.DBName = ""
	connector, err := mysql.NewConnector(server)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	name := "`" + strings.ReplaceAll(cfg.DBName, "`", "``") + "`"
	_, err = db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+name)
	return err
}

func (c *catalog) close() error { return c.db.Close() }

const (
	selectBooks   = `SELECT id, title, author, year, pages, cents, genre, blurb FROM heeler_books `
	selectOne     = selectBooks + `WHERE id = ?`
	selectBy      = selectBooks + `WHERE author = ? ORDER BY year`
	selectAuthors = `SELECT DISTINCT author FROM heeler_books ORDER BY author`
	selectLike    = selectBooks + `WHERE title LIKE ? OR author LIKE ? OR genre LIKE ? OR blurb LIKE ?
		ORDER BY title LIMIT 60`
)

// search finds the books that have the words somewhere, in one piece; all books if there are no words.
func (c *catalog) search(ctx context.Context, words string) ([]books.Book, error) {
	like := "%" + likeEscaper.Replace(words) + "%"
	rows, err := c.db.QueryContext(ctx, selectLike, like, like, like, like)
	return scanAll(rows, err, scanBook)
}

// likeEscaper takes away the meaning that % and _ have in a LIKE pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// An author is one, with the books.
type author struct {
	Name  string
	Books []books.Book
}

// authors are all of them, by name. It asks for the books of one author after the other, where one
// query would do for all: the classic mistake, which does not show until MySQL is a little slow. It
// is here for slowlog to find.
func (c *catalog) authors(ctx context.Context) ([]author, error) {
	rows, err := c.db.QueryContext(ctx, selectAuthors)
	names, err := scanAll(rows, err, scanName)
	if err != nil {
		return nil, err
	}
	var all []author
	for _, name := range names {
		rows, err := c.db.QueryContext(ctx, selectBy, name)
		written, err := scanAll(rows, err, scanBook)
		if err != nil {
			return nil, err
		}
		all = append(all, author{name, written})
	}
	return all, nil
}

// book gives one book, or errNoBook.
func (c *catalog) book(ctx context.Context, id int) (books.Book, error) {
	return scanBook(c.db.QueryRowContext(ctx, selectOne, id))
}

// A scanner is one row, or the only one.
type scanner interface{ Scan(...any) error }

// scanAll reads the rows that a query gave, if it has not failed.
func scanAll[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, outage{"mysql", err}
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, outage{"mysql", err}
	}
	return all, nil
}

func scanName(row scanner) (name string, err error) {
	if err := row.Scan(&name); err != nil {
		return "", outage{"mysql", err}
	}
	return name, nil
}

func scanBook(row scanner) (books.Book, error) {
	var b books.Book
	err := row.Scan(&b.ID, &b.Title, &b.Author, &b.Year, &b.Pages, &b.Cents, &b.Genre, &b.Blurb)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return books.Book{}, errNoBook
	case err != nil:
		return books.Book{}, outage{"mysql", err}
	}
	return b, nil
}
