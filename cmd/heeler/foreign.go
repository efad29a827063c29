package main

import "errors"

// foreign are options of Vaurien's that nothing here corresponds to. What is so anyway may be said, so that
// command lines and files go on working; anything else would not happen, and is refused.
func foreign() []option {
	var all []option
	anyway := func(why string, names ...string) {
		for _, name := range names {
			all = append(all, option{name: name, help: why, set: func(value string) error {
				on, err := truth(value)
				if err == nil && !on {
					err = errors.New("cannot be switched off: " + why)
				}
				return err
			}})
		}
	}
	refused := func(why string, names ...string) {
		for _, name := range names {
			all = append(all, option{name: name, value: "VALUE", set: func(string) error {
				return errors.New("is not there: " + why + ", so leave it out")
			}})
		}
	}
	anyway("connections stay as long as client and backend want", "stay-connected",
		"protocol-tcp-keep-alive", "protocol-http-keep-alive", "protocol-redis-keep-alive",
		"protocol-memcache-keep-alive", "protocol-mysql-keep-alive")
	anyway("nobody waits for anybody", "async-mode")
	refused("every client has a connection of its own to the backend", "pool-max-size", "pool-timeout",
		"protocol-tcp-reuse-socket", "protocol-http-reuse-socket", "protocol-redis-reuse-socket",
		"protocol-memcache-reuse-socket", "protocol-mysql-reuse-socket", "protocol-smtp-reuse-socket")
	refused("buffers are as large as the traffic wants", "bufsize", "protocol-tcp-buffer", "protocol-http-buffer",
		"protocol-redis-buffer", "protocol-memcache-buffer", "protocol-mysql-buffer", "protocol-smtp-buffer")
	refused("figures are at /metrics, with --http", "statsd.enabled", "statsd.host", "statsd.port",
		"statsd.prefix", "statsd.sample-rate")
	refused("the system decides how many connections wait", "backlog")
	return all
}
