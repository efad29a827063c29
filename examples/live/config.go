package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

// A config is what the command line says.
type config struct {
	Addr    string        // host:port to listen on
	Sockets int           // how many others are to watch
	Drain   time.Duration // how long the server may take to end
	Period  time.Duration // how often the prices move
	Tour    bool
	Crowd   string // the URL of the server to watch; set by the program for its second process
}

const usage = `A page of prices that move, and thousands of WebSockets that watch them.

	go run ./examples/live                  open http://127.0.0.1:8081, then stop it with Ctrl-C
	go run ./examples/live -sockets 10000   the same in company
	go run ./examples/live -tour            see it drained, without a browser

`

// parseFlags reads the command line. What is wrong with it is told on out as well, with the usage.
func parseFlags(args []string, out io.Writer) (config, error) {
	var cfg config
	flags := flag.NewFlagSet("live", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&cfg.Addr, "addr", "127.0.0.1:8081", "`host:port` to listen on")
	flags.IntVar(&cfg.Sockets, "sockets", -1, "how many others are to watch, from a second process\n(default: 10000 with -tour, otherwise none)")
	flags.DurationVar(&cfg.Drain, "drain", 10*time.Second, "how long the server may take to end")
	flags.DurationVar(&cfg.Period, "period", time.Second, "how often the prices move")
	flags.BoolVar(&cfg.Tour, "tour", false, "watch, drain, show what happened, and exit; on a free port")
	flags.StringVar(&cfg.Crowd, "crowd", "", "watch the server at this `URL` and serve nothing")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if cfg.Sockets < 0 && (cfg.Tour || cfg.Crowd != "") {
		cfg.Sockets = 10_000
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
		return fmt.Errorf("-addr %q: must be host:port, such as 127.0.0.1:8081", c.Addr)
	}
	if c.Sockets > 100_000 {
		return fmt.Errorf("-sockets %d: must be from 0 to 100000", c.Sockets)
	}
	if c.Drain < time.Second || c.Drain > 10*time.Minute {
		return fmt.Errorf("-drain %v: must be from 1s to 10m", c.Drain)
	}
	if c.Period < 10*time.Millisecond || c.Period > time.Minute {
		return fmt.Errorf("-period %v: must be from 10ms to 1m", c.Period)
	}
	if u, err := url.Parse(c.Crowd); c.Crowd != "" && (err != nil || u.Scheme != "http" || u.Host == "") {
		return fmt.Errorf("-crowd %q: must be a URL such as http://127.0.0.1:8081", c.Crowd)
	}
	return nil
}
