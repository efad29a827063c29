package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/shop/books"
)

// carts are the shoppers' carts in Redis: a hash for each, from the book's id to how many. What a
// book is called and costs is kept there too, from when it was added, so that a cart can be shown
// without MySQL.
type carts struct {
	client  *redis.Client
	breaker *breaker.Breaker
}

const (
	cartLife = 30 * 24 * time.Hour
	shelfKey = "heeler-shop:books"
)

func cartKey(cart string) string { return "heeler-shop:cart:" + cart }

// openCarts connects to Redis. The first contact may take its time; what visitors wait for goes
// through the breaker.
func openCarts(ctx context.Context, options *redis.Options, b *breaker.Breaker) (*carts, error) {
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	b.IsFailure = func(err error) bool { return !errors.Is(err, redis.Nil) } // which only says that there is no such key
	return &carts{client, b}, nil
}

// do takes what f does with Redis through the breaker: one call, with all the retries that go-redis
// makes of it.
func (c *carts) do(ctx context.Context, f func(context.Context) error) error {
	if err := c.breaker.Do(ctx, f); err != nil {
		return outage{"redis", err}
	}
	return nil
}

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
	return c.do(ctx, func(ctx context.Context) error {
		_, err := c.client.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.HSet(ctx, shelfKey, field, asJSON)
			tx.HIncrBy(ctx, cartKey(cart), field, 1)
			tx.Expire(ctx, cartKey(cart), cartLife)
			return nil
		})
		return err
	})
}

// remove takes all copies of the book out of the cart.
func (c *carts) remove(ctx context.Context, cart string, id int) error {
	return c.do(ctx, func(ctx context.Context) error {
		return c.client.HDel(ctx, cartKey(cart), strconv.Itoa(id)).Err()
	})
}

// list tells what is in the cart, by title. A cart that nobody has put anything into is empty.
func (c *carts) list(ctx context.Context, cart string) ([]cartLine, error) {
	var counts map[string]string
	err := c.do(ctx, func(ctx context.Context) (err error) {
		counts, err = c.client.HGetAll(ctx, cartKey(cart)).Result()
		return err
	})
	if err != nil || len(counts) == 0 {
		return nil, err
	}
	ids := slices.Collect(maps.Keys(counts))
	var shelf []any
	err = c.do(ctx, func(ctx context.Context) (err error) {
		shelf, err = c.client.HMGet(ctx, shelfKey, ids...).Result()
		return err
	})
	if err != nil {
		return nil, err
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
