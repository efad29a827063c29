// Package control lets chaos proxies be controlled from elsewhere: over HTTP, by tests in any language,
// by the command heeler ctl, and by the clients that exist for Vaurien and for toxiproxy, which work
// unchanged.
//
//	mysql := &chaos.Proxy{Name: "mysql", Listen: "127.0.0.1:3307", Backend: "127.0.0.1:3306"}
//	server := &control.Server{Addr: "127.0.0.1:8474", Proxies: []*chaos.Proxy{mysql}}
//	mysql.Notify = server.Notify
//	// then mysql.Start() and server.Start(), and Close when all is over
//
// and somewhere else
//
//	client := &control.Client{URL: "http://127.0.0.1:8474"}
//	err := client.With(ctx, "mysql", testCheckout, chaos.Fault{Behavior: chaos.Hang{}})
//
// # Vaurien's API
//
// It is about the first proxy; below /proxies/{proxy} the same paths are about that one.
//
//	GET  /behaviors  {"behaviors": ["abort", "blackout", …]}: Vaurien's seven; PUT takes others, too
//	GET  /behavior   {"behavior": "dummy"}
//	PUT  /behavior   {"name": "delay", "sleep": 3}, or {"name": "20:delay,5:error"}
//	GET  /backend    {"backend": "127.0.0.1:3306"}
//	PUT  /backend    {"backend": "127.0.0.1:3310"}, for new connections
//
// A behavior is all that the proxy does: it takes the place of every fault that was set. Options that are
// not given are what they were when that behavior was last set, and options that it does not have are
// passed over; so whoever reads the behavior and sets it again later puts back all of it. Options stick
// until other ones are given, also over POST /reset, for up to 64 behaviors of each proxy.
//
// # Toxiproxy's API
//
// All of version 2.12, with its status codes and messages:
//
//	POST             /reset                           all proxies listen, without any toxic
//	POST             /populate                        a list of proxies: see Server.Load
//	GET POST         /proxies
//	GET PATCH DELETE /proxies/{proxy}                 POST is PATCH
//	GET POST         /proxies/{proxy}/toxics
//	GET PATCH DELETE /proxies/{proxy}/toxics/{toxic}  POST is PATCH
//	GET              /version, /metrics
//
// and more than that. A proxy has a "protocol" and a "seed", and takes its "toxics" as it is made: it
// listens once it has all of them; its protocol and seed do not change any more. One that is moved to
// another "listen" keeps its connections, another "upstream" ends them. The "type" of a toxic is any behavior of package chaos, and "mix";
// it has a "schedule" with start, end, every, grow and shrink, each "1m30s" or milliseconds. PUT
// …/toxics sets all toxics of a proxy at once. A wrong attribute, or one that is not known, is a 400
// that names it in "field" and says what is accepted. A list that cannot be populated changes nothing.
//
// # What neither has
//
//	GET /events?proxy=mysql                         what happens, as server-sent events
//	GET /proxies/{proxy}/conversation?as=hex&max=N&piece=N  who says what: see Log
//
// # Safety
//
// The server listens on this machine only, unless it has a token. Requests that another site's page
// makes a browser send are refused, and so are those under a name that is not the server's.
package control
