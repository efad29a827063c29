// Package breaker guards one backend: it bounds every call to it, stops calling
// when it is down, and finds out when it is back.
//
// It is for servers whose pages need a database, a cache, a directory or an API
// that will be slow or gone one day. Without it every request waits for the one
// that is down, and soon nothing else is served either. With it the first calls
// fail at Timeout, and those that follow at once, with the time after which to
// come back.
//
//	db := &breaker.Breaker{Name: "mysql", Timeout: 500 * time.Millisecond}
//	pool := sql.OpenDB(db.Connector(connector))
//
// and from then on pool is used as ever. Whatever can be put into a function
// can be guarded, too:
//
//	err := ldap.Do(ctx, func(ctx context.Context) error { … })
//	user, err := breaker.Do(ctx, ldap, func(ctx context.Context) (User, error) { … })
//
// # One breaker for a backend, and one way in
//
//	database/sql                           Connector
//	an API over HTTP                       Transport
//	Redis, LDAP, memcached, SMTP over TCP  DialContext
//	anything else                          Do
//
// Every way in counts its calls, so two of them around one another count them
// twice. Wrap is none: it answers for a route that can do nothing without
// the backend. A call inside a call, found through the context, needs no second
// place when it is a probe.
//
// # What a call says of its backend
//
//	returned nil                                      success
//	returned an error                                 failure, or what IsFailure says
//	returned sql.ErrNoRows                            success, or what IsFailure says
//	took all its Timeout, whatever it returned        failure
//	ended with its caller's deadline                  failure, unless it was begun
//	                                                  shortly before it
//	ended when its caller had left                    not counted
//	a breaker further in refused, or its Timeout
//	was over                                          not counted
//	panicked                                          failure; the panic goes on
//	panicked with http.ErrAbortHandler, or Goexit     not counted
//	waited for Slow or more at once, whatever else    slow, too
//
// The ways in for a protocol know more of its answers; see there. With Do, a
// cache's miss is often an error that says nothing against the cache:
//
//	IsFailure: func(err error) bool { return !errors.Is(err, redis.Nil) }
//
// A call that took all its Timeout or lost its connection, and one that was
// refused, makes the backend missing for the request whose context it has, until
// another succeeds. A backoff.Policy then answers 503 where the handler answers
// 5xx. An error that the backend, or the caller's own code, returned does not.
//
// A call that hangs has failed when its Timeout is over, not when it returns.
// Its context ends then; Do itself returns when the function does. Until then
// Stats has it as Overdue.
//
// Callers that always cancel before Slow say nothing, and leave a backend that
// hangs unnoticed: keep Slow, and Timeout, below the patience of most.
//
// The context to pass, to all ways in, is the request's own, in which they find
// what the request is told of its backends, for its tally and its 503:
// QueryContext, or http.NewRequestWithContext. A framework's may hide it:
// gin's *gin.Context does unless Engine.ContextWithFallback is set; pass
// c.Request.Context().
//
// # States
//
// Closed, all calls go through. The breaker trips when TripAfter of them fail in
// a row, when TripRate of those in the Window have failed, or when SlowRate of
// them were slow. Open, it refuses calls with an [*OpenError], which knows for
// how much longer. Half-open, Probes calls go through at a time; when so
// many have succeeded it is closed, and the first that fails, or is slow, opens
// it for twice as long. A probe's place comes back whatever becomes of it: a
// panic, Goexit, a client that leaves, or a call that never returns, at Timeout.
// Results that come when the state has changed since the call began count
// in Stats only. Open and Close do by hand what failures and probes do.
//
// # Choosing
//
// Timeout is the field to set: a few times what the slowest good call takes. It
// is what every request waits for while the first calls fail. The
// others have defaults that fit most backends. A backend that is called
// rarely trips by TripAfter, a busy one by the shares.
//
// # Replicas
//
// With [Peers] the breakers of one backend in several replicas tell each other
// when they trip and recover. No call waits for that, and no store is asked: a
// replica that hears nothing finds out for itself, and one whose own calls go
// well does not heed another's trip.
//
// # Built on
//
// github.com/sony/gobreaker/v2 counts the failures in a row and hands out the
// probes' places: of the breakers for Go it is the most used, small, and has no
// dependencies. Around it is what it lacks: calls that hang, slow calls, an open
// time that grows, hooks outside its lock, and the way back for a place that
// was lost. Do costs an allocation, and 1.3 times the time of gobreaker's
// Execute, which bounds no call; when four goroutines call at once it takes no
// longer than that, as there is no lock that all share. A refusal takes less than
// a tenth of a microsecond. The module in bench measures it.
package breaker
