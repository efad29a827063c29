package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/examples/shop/backend"
	"github.com/heeler-go/heeler/profile"
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

	limit   time.Duration        // for each request
	changed func(breaker.Change) // is told what becomes of the breakers

	sameOrigin http.CrossOriginProtection // for forms
	adminKey   string                     // makes a visitor the admin: see admin.go

	// The guards around the shop, for those who show what they saw; guard sets them.
	slow   *slowlog.Watch
	prof   *profile.Profiler
	shed   *backoff.Policy
	box    *timebox.Box
	alerts *alert.Queue

	closers []func() error
}

// quietRedis keeps go-redis from logging what the request that met it tells anyway: one switch for
// all its clients.
var quietRedis = sync.OnceFunc(logging.Disable)

// openTimeout bounds the first contact with the backends.
const openTimeout = 10 * time.Second

// openShop starts the backends that the config does not name, and reaches all of them through chaos
// proxies and breakers, whose changes it tells.
func openShop(ctx context.Context, cfg config, changed func(breaker.Change)) (_ *shop, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &shop{pages: parsePages(), limit: cfg.Limit, changed: changed, adminKey: rand.Text()}
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
	mysql, err := s.through("mysql", "MySQL", "search, authors, book pages", cfg.Addr, wire.MySQL)
	if err != nil {
		return err
	}
	cfg.Addr = mysql.Proxy.Addr()
	if s.catalog, err = openCatalog(ctx, cfg, mysql.Breaker); err != nil {
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
	server, err := s.through("redis", "Redis", "the cart", options.Addr, wire.Redis)
	if err != nil {
		return err
	}
	options.Addr = server.Proxy.Addr()
	options.ContextTimeoutEnabled = true // or go-redis would not heed the breaker's timeout
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quietRedis()
	s.carts, err = openCarts(ctx, options, server.Breaker)
	if err != nil {
		return err
	}
	s.onClose(s.carts.close)
	return nil
}

func (s *shop) openReviews() error {
	server, err := backend.Reviews()
	if err != nil {
		return err
	}
	s.onClose(server.Close)
	service, err := s.through("reviews", "Reviews", "the readers' voices", server.Addr, wire.HTTP)
	if err != nil {
		return err
	}
	transport := service.Breaker.Transport(&http.Transport{MaxIdleConnsPerHost: 32})
	s.reviews = &reviews{client: &http.Client{Transport: transport}, addr: service.Proxy.Addr()}
	s.onClose(s.reviews.close)
	return nil
}

// through puts a chaos proxy in front of a backend, for the visitor to break it, and a breaker in front
// of the proxy, for the shop to get over it.
func (s *shop) through(id, name, serves, addr string, protocol wire.Protocol) (*backendSwitch, error) {
	proxy := &chaos.Proxy{Name: id, Backend: addr, Protocol: protocol}
	if err := proxy.Start(); err != nil {
		return nil, err
	}
	s.onClose(proxy.Close)
	b := &backendSwitch{ID: id, Name: name, Serves: serves, Proxy: proxy, Breaker: newBreaker(id, s.limit, s.changed)}
	s.switches = append(s.switches, b)
	return b, nil
}

// newBreaker gives a backend's breaker. A Name is all that one needs. These are tighter than that,
// for people who watch: a page may ask several backends within its limit, one visitor alone sees a
// breaker trip, and a backend that is back is found at the latest after the time of a request.
func newBreaker(name string, limit time.Duration, changed func(breaker.Change)) *breaker.Breaker {
	return &breaker.Breaker{
		Name:      name,
		Timeout:   limit / 4,
		TripAfter: 3,
		OpenFor:   limit / 2,
		OpenMax:   limit,
		OnChange:  changed,
	}
}

// breakers are those of all backends.
func (s *shop) breakers() []backoff.Backend {
	var all []backoff.Backend
	for _, b := range s.switches {
		all = append(all, b.Breaker)
	}
	return all
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
