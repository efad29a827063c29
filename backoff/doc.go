// Package backoff tells clients to come back later, and listens when a server
// says so. It is what Mozilla's Sync does with 503, Retry-After and X-Backoff.
//
// # A server that says so
//
//	http.ListenAndServe(":8080", backoff.Wrap(mux))
//
// answers 503 with Retry-After instead of the handler's 500, 502 or other
// error from 500 on, if the request could not have a backend: a breaker has
// refused a call that the handler made for it, or one took all its Timeout or
// lost its connection, and none to the same backend has succeeded since. So it
// does for a panic with the breaker's error, too. What it
// tells the client is how long the breaker really stays open. A 503 of the
// handler's own keeps its body and gets the Retry-After if it has none. Whoever
// gets along without the backend, and answers, is not touched, and a 500 for any
// other reason stays one. The breakers are
// those of package breaker; any other error with a method
// Refused() (name string, left time.Duration) does for a panic and for [Reply].
//
// With fields set, a [Policy] does more:
//
//	shed := &backoff.Policy{MaxInFlight: 500, Wait: 100 * time.Millisecond}
//	handler := slow.Wrap(shed.Wrap(box.Wrap(mux)))
//
// refuses what is more than 500 requests at a time, [Policy.Down] refuses all of
// them, and Soft, SoftShare and Backends ask clients, on answers that are as
// they were, to stay away for a while after that. A policy belongs outside of a
// timebox: then the time that a request waits for its turn is not the handler's.
// A handler that ignores the end of its box holds its place over HTTP/1 until it
// returns; over HTTP/2 the box goes on without it, and so does the policy.
//
// A refusal is a problem as in RFC 9457, in JSON for clients that prefer that
// and in plain text for others. It takes microseconds, and nothing is buffered:
// the decision is made when the handler gives its status. The body that belonged
// to a replaced answer is read from the handler and thrown away.
//
// The times that clients are told are lengthened at random and never
// shortened, by Sync's rule: v + random(0 .. max(5 % of v, 5 s)). So Retry-After
// of a breaker that opens in a second is from 1 to 6.
//
// A diagnostic route that answers 500 on purpose, such as a health check for
// people, wants Skip or a 503 of its own.
//
// [Handler] and [Reply] turn errors into such answers one by one.
//
// # A client that listens
//
//	client := http.Client{Transport: &backoff.Transport{}}
//
// leaves a host alone for as long as it asks. See [Transport], and [Parse] for
// those who read the headers by themselves.
package backoff
