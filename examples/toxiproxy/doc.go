// Package toxiproxy shows that a program which uses toxiproxy goes on unchanged with heeler: only the
// address of the server is another one, or the same.
//
//	client := toxiproxy.NewClient("127.0.0.1:8474") // as it was
//	proxy, err := client.CreateProxy("mysql", "127.0.0.1:3307", "127.0.0.1:3306")
//	proxy.AddToxic("", "latency", "downstream", 1, toxiproxy.Attributes{"latency": 1000})
//
// In the place of toxiproxy-server runs
//
//	heeler chaos --http --http-port 8474 --toxiproxy-config toxiproxy.json
//
// or, in a Go test, without another process,
//
//	server := &control.Server{Addr: "127.0.0.1:8474"}
//	server.Start()
//	defer server.Close()
//
// Where other machines are to reach it, as in a container, it wants a token, of which toxiproxy's
// clients know nothing; they send the one in their URL: NewClient("http://:token@chaos:8474").
//
// The tests drive every route with toxiproxy's own Go client, version 2.12, and put the same requests
// to heeler and to toxiproxy's server. What differs is on purpose:
//
//   - An unknown attribute, one out of range, and a toxicity that is not from 0 to 1 are a 400 that
//     says so; toxiproxy ignores them, or stops working.
//   - A list that cannot be populated changes nothing; toxiproxy keeps what came before the mistake.
//     What the list says of "enabled" and "toxics" holds for proxies that are there already, too.
//   - A proxy that is to listen elsewhere keeps its connections; with another upstream they end, as
//     with toxiproxy.
//   - A proxy has at most 256 toxics.
//   - Addresses that are none are a 400, not a 500.
//   - Without a host, "listen" is this machine only if it is empty altogether, and a free port then.
//   - Removing a toxic never waits for a client that does not read.
package toxiproxy
