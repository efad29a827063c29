package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/examples/shop/backend"
	"github.com/heeler-go/heeler/examples/shop/relay"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A shop is the bookshop without its guards: the handlers, and what they need.
type shop struct {
	catalog  *catalog
	carts    *carts
	reviews  *reviews
	switches []*backendSwitch // what the visitor can break
	pages    pages

	sameOrigin http.CrossOriginProtection // for forms

	// The guards around the shop, for those who show what they saw; guard sets them.
	slow   *slowlog.Watch
	box    *timebox.Box
	alerts *alert.Queue

	closers []func() error
}

// quietRedis keeps go-redis from logging what the request that met it tells anyway: one switch for
// all its clients.
var quietRedis = sync.OnceFunc(logging.Disable)

// openTimeout bounds the first contact with the backends.
const openTimeout = 10 * time.Second

// openShop starts the backends that the config does not name, and reaches all of them through relays.
func openShop(ctx context.Context, cfg config) (_ *shop, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &shop{pages: parsePages()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := s.openCatalog(ctx, cfg.MySQL); err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	if err := s.openCarts(ctx, cfg.Redis); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if err := s.openReviews(); err != nil {
		return nil, fmt.Errorf("reviews: %w", err)
	}
	return s, nil
}

func (s *shop) openCatalog(ctx context.Context, dsn string) error {
	if dsn == "" {
		server, err := backend.MySQL("shop")
		if err != nil {
			return err
		}
		s.onClose(server.Close)
		dsn = fmt.Sprintf("shop@tcp(%s)/shop", server.Addr)
	}
	cfg, err := parseDSN(dsn)
	if err != nil {
		return err
	}
	if cfg.Addr, err = s.through("mysql", "MySQL", "search, book pages", cfg.Addr); err != nil {
		return err
	}
	if s.catalog, err = openCatalog(ctx, cfg); err != nil {
		return err
	}
	s.onClose(s.catalog.close)
	return nil
}

func (s *shop) openCarts(ctx context.Context, addr string) error {
	if addr == "" {
		server, err := backend.Redis()
		if err != nil {
			return err
		}
		s.onClose(server.Close)
		addr = server.Addr
	}
	options, err := parseRedis(addr)
	if err != nil {
		return err
	}
	if options.Addr, err = s.through("redis", "Redis", "the cart", options.Addr); err != nil {
		return err
	}
	options.ContextTimeoutEnabled = true // or go-redis would not heed the request's deadline
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quietRedis()
	client := redis.NewClient(options)
	s.carts = &carts{client}
	s.onClose(s.carts.close)
	return client.Ping(ctx).Err()
}

func (s *shop) openReviews() error {
	server, err := backend.Reviews()
	if err != nil {
		return err
	}
	s.onClose(server.Close)
	addr, err := s.through("reviews", "Reviews", "the readers' voices", server.Addr)
	if err != nil {
		return err
	}
	s.reviews = &reviews{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, addr: addr}
	s.onClose(s.reviews.close)
	return nil
}

// through puts a relay in front of a backend, for the visitor to break it, and gives the relay's
// address.
func (s *shop) through(id, name, serves, addr string) (string, error) {
	r, err := relay.Listen(addr)
	if err != nil {
		return "", err
	}
	s.onClose(r.Close)
	s.switches = append(s.switches, &backendSwitch{ID: id, Name: name, Serves: serves, Relay: r})
	return r.Addr(), nil
}

func (s *shop) onClose(f func() error) { s.closers = append(s.closers, f) }

// close ends everything that openShop started, the last first.
func (s *shop) close() error {
	var errs []error
	for _, f := range slices.Backward(s.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}
