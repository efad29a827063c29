// Package books is what the shop sells: a shelf of books whose authors have been dead for long
// enough that everybody may print them, and what readers said about them.
package books

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

// A Book is one title on the shelf.
type Book struct {
	ID     int    `json:"id"` // 1 and up
	Title  string `json:"title"`
	Author string `json:"author"`
	Year   int    `json:"year"` // of the first edition as a book
	Pages  int    `json:"pages"`
	Cents  int    `json:"cents"` // the price
	Genre  string `json:"genre"`
	Blurb  string `json:"blurb"` // one sentence
}

// Price is the price for people.
func (b Book) Price() string { return Price(b.Cents) }

// Price writes an amount for people.
func Price(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }

// Cover names the colour and the pattern of the book's cover, of which there are eight and five.
func (b Book) Cover() string { return fmt.Sprintf("c%d p%d", b.ID*3%8, b.ID%5) }

// A Review is what one reader said.
type Review struct {
	Reader string `json:"reader"`
	Stars  int    `json:"stars"` // 1 to 5
	Text   string `json:"text"`
}

var (
	//go:embed books.json
	booksJSON []byte
	//go:embed reviews.json
	reviewsJSON []byte

	all     = sync.OnceValue(func() []Book { return parse[[]Book](booksJSON) })
	reviews = sync.OnceValue(func() map[int][]Review { return parse[map[int][]Review](reviewsJSON) })
)

// All are the books, in the order of their IDs. The slice is shared: read it only.
func All() []Book { return all() }

// Reviews are those of one book, possibly none. The slice is shared: read it only.
func Reviews(id int) []Review { return reviews()[id] }

// parse reads a file that was built in, so that a mistake in it is a programmer's.
func parse[T any](file []byte) T {
	var value T
	if err := json.Unmarshal(file, &value); err != nil {
		panic(fmt.Sprintf("books: %v", err))
	}
	return value
}
