package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/examples/shop/books"
)

// carts are the shoppers' carts in Redis: a hash for each, from the book's id to how many. What a
// book is called and costs is kept there too, from when it was added, so that a cart can be shown
// without MySQL.
type carts struct{ client *redis.Client }

const (
	cartLife = 30 * 24 * time.Hour
	shelfKey = "heeler-shop:books"
)

func cartKey(cart string) string { return "heeler-shop:cart:" + cart }

// A cartLine is one book in a cart.
type cartLine struct {
	books.Book
	Count int
}

// Total is the price of the line for people.
func (l cartLine) Total() string { return books.Price(l.Count * l.Cents) }

// add puts one more of the book into the cart.
func (c *carts) add(ctx context.Context, cart string, b books.Book) error {
	asJSON, err := json.Marshal(b)
	if err != nil {
		return err
	}
	field := strconv.Itoa(b.ID)
	_, err = c.client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
		tx.HSet(ctx, shelfKey, field, asJSON)
		tx.HIncrBy(ctx, cartKey(cart), field, 1)
		tx.Expire(ctx, cartKey(cart), cartLife)
		return nil
	})
	return redisError(err)
}

// remove takes all copies of the book out of the cart.
func (c *carts) remove(ctx context.Context, cart string, id int) error {
	return redisError(c.client.HDel(ctx, cartKey(cart), strconv.Itoa(id)).Err())
}

// list tells what is in the cart, by title. A cart that nobody has put anything into is empty.
func (c *carts) list(ctx context.Context, cart string) ([]cartLine, error) {
	counts, err := c.client.HGetAll(ctx, cartKey(cart)).Result()
	if err != nil || len(counts) == 0 {
		return nil, redisError(err)
	}
	ids := make([]string, 0, len(counts))
	for id := range counts {
		ids = append(ids, id)
	}
	shelf, err := c.client.HMGet(ctx, shelfKey, ids...).Result()
	if err != nil {
		return nil, redisError(err)
	}
	var lines []cartLine
	for i, id := range ids {
		var line cartLine
		asJSON, _ := shelf[i].(string) // nil if somebody has emptied the shelf
		if json.Unmarshal([]byte(asJSON), &line.Book) != nil {
			continue
		}
		line.Count, _ = strconv.Atoi(counts[id])
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b cartLine) int { return strings.Compare(a.Title, b.Title) })
	return lines, nil
}

func (c *carts) close() error { return c.client.Close() }

func redisError(err error) error {
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// cartOf gives the name of the shopper's cart. It stands in a cookie, which a new shopper is given
// here. Nobody can guess it, and no page of another site can send it along with a form.
func cartOf(w http.ResponseWriter, r *http.Request) string {
	const name, letters = "cart", 26 // as rand.Text gives
	if cookie, err := r.Cookie(name); err == nil && len(cookie.Value) == letters {
		return cookie.Value
	}
	cart := rand.Text()
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: cart, Path: "/", MaxAge: int(cartLife.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
	return cart
}
