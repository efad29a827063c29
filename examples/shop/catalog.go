package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/heeler-go/heeler/examples/shop/books"
)

// A catalog is the books in MySQL. No query has a timeout of its own: each ends with the context
// that it is given.
type catalog struct{ db *sql.DB }

var errNoBook = errors.New("there is no such book")

// errUnknownDatabase is what MySQL says of a database that was not created yet.
const errUnknownDatabase = 1049

// openCatalog connects to the database, and creates it, its table and the books where they are
// missing.
func openCatalog(ctx context.Context, cfg *mysql.Config) (*catalog, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	// One hung query holds one connection until its request is ended, when the driver closes it. So
	// the pool is never wedged; its bound keeps a crowd of waiting shoppers from becoming a crowd
	// of connections.
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(32)
	db.SetMaxIdleConns(32)

	c := &catalog{db}
	if err := c.create(ctx, cfg); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return c, nil
}

func (c *catalog) create(ctx context.Context, cfg *mysql.Config) error {
	err := c.db.PingContext(ctx)
	if unknown := (*mysql.MySQLError)(nil); errors.As(err, &unknown) && unknown.Number == errUnknownDatabase {
		err = createDatabase(ctx, cfg)
	}
	if err != nil {
		return err
	}
	_, err = c.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS heeler_books (
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
		_, err := c.db.ExecContext(ctx, `INSERT IGNORE INTO heeler_books VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
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
	selectBooks = `SELECT id, title, author, year, pages, cents, genre, blurb FROM heeler_books `
	selectOne   = selectBooks + `WHERE id = ?`
	selectLike  = selectBooks + `WHERE title LIKE ? OR author LIKE ? OR genre LIKE ? OR blurb LIKE ?
		ORDER BY title LIMIT 60`
)

// search finds the books that have the words somewhere, in one piece; all books if there are no words.
func (c *catalog) search(ctx context.Context, words string) ([]books.Book, error) {
	like := "%" + likeEscaper.Replace(words) + "%"
	rows, err := c.db.QueryContext(ctx, selectLike, like, like, like, like)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	defer rows.Close()
	var found []books.Book
	for rows.Next() {
		b, err := scanBook(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	return found, nil
}

// likeEscaper takes away the meaning that % and _ have in a LIKE pattern.
var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// book gives one book, or errNoBook.
func (c *catalog) book(ctx context.Context, id int) (books.Book, error) {
	return scanBook(c.db.QueryRowContext(ctx, selectOne, id))
}

func scanBook(row interface{ Scan(...any) error }) (books.Book, error) {
	var b books.Book
	err := row.Scan(&b.ID, &b.Title, &b.Author, &b.Year, &b.Pages, &b.Cents, &b.Genre, &b.Blurb)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return books.Book{}, errNoBook
	case err != nil:
		return books.Book{}, fmt.Errorf("mysql: %w", err)
	}
	return b, nil
}
