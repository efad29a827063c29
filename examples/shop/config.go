package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
)

// A config is what the command line says.
type config struct {
	Addr    string        // host:port to listen on
	Limit   time.Duration // for each request
	MySQL   string        // DSN; empty starts a MySQL in this program
	Redis   string        // host:port or URL; empty starts a Redis in this program
	Reports string        // directory for the reports on slow requests; empty writes none
	Tour    bool
}

const usage = `A small bookshop that stays on its feet while MySQL, Redis or its reviews are slow or gone.

	go run ./examples/shop            open http://127.0.0.1:8080 and break it
	go run ./examples/shop -tour      see it done, without a browser

`

// parseFlags reads the command line. What is wrong with it is told on out as well, with the usage.
func parseFlags(args []string, out io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&cfg.Addr, "addr", "127.0.0.1:8080", "`host:port` to listen on")
	flags.DurationVar(&cfg.Limit, "limit", 2*time.Second, "how long a request may take")
	flags.StringVar(&cfg.MySQL, "mysql", "", "`DSN` of a MySQL or MariaDB to use, such as\n"+
		"user:password@tcp(127.0.0.1:3306)/shop; the database, its table heeler_books\n"+
		"and the books are created if missing (default: one inside this program)")
	flags.StringVar(&cfg.Redis, "redis", "", "`host:port`, or redis:// URL, of a Redis to use; its keys begin with\n"+
		"heeler-shop: (default: one inside this program)")
	flags.StringVar(&cfg.Reports, "reports", "", "`directory` to write a file for each slow request to")
	flags.BoolVar(&cfg.Tour, "tour", false, "break MySQL under load, show what happened, and exit;\n"+
		"on a free port and with a limit of 2s, whatever -addr and -limit say")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	err := cfg.validate()
	if flags.NArg() > 0 {
		err = fmt.Errorf("%q: there are flags only, no other arguments", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintf(out, "%v\n\n", err)
		flags.Usage()
	}
	return cfg, err
}

func (c config) validate() error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil {
		return fmt.Errorf("-addr %q: must be host:port, such as 127.0.0.1:8080", c.Addr)
	}
	if c.Limit < 100*time.Millisecond || c.Limit > time.Minute {
		return fmt.Errorf("-limit %v: must be from 100ms to 1m", c.Limit)
	}
	if c.MySQL != "" {
		if _, err := parseDSN(c.MySQL); err != nil {
			return err
		}
	}
	if c.Redis != "" {
		if _, err := parseRedis(c.Redis); err != nil {
			return err
		}
	}
	return nil
}

// parseDSN reads a DSN that a chaos proxy can stand in front of.
func parseDSN(dsn string) (*mysql.Config, error) {
	const form = "must be user:password@tcp(host:port)/database"
	cfg, err := mysql.ParseDSN(dsn)
	switch {
	case err != nil:
		return nil, fmt.Errorf("-mysql: %w; it %s", err, form) // without the DSN: it holds a password
	case cfg.Net != "tcp":
		return nil, fmt.Errorf("-mysql: the network is %q; it %s", cfg.Net, form)
	case cfg.DBName == "":
		return nil, fmt.Errorf("-mysql: names no database; it %s", form)
	}
	cfg.InterpolateParams = true      // one round trip for a query instead of three
	cfg.Logger = new(mysql.NopLogger) // what fails is told by the request that it failed for
	return cfg, nil
}

// parseRedis reads an address or a URL.
func parseRedis(addr string) (*redis.Options, error) {
	if _, _, err := net.SplitHostPort(addr); err == nil && !strings.Contains(addr, "/") {
		return &redis.Options{Addr: addr}, nil
	}
	options, err := redis.ParseURL(addr)
	if err != nil || options.Network != "tcp" {
		return nil, errors.New("-redis: must be host:port or redis://user:password@host:port/0") // may hold a password, too
	}
	return options, nil
}
