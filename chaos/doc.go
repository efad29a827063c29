// Package chaos breaks backends on purpose: a proxy between a program and its MySQL, Redis or web
// service that makes it slow, hang, fail or vanish, whenever a test, a person or a schedule says so.
//
//	mysql := &chaos.Proxy{Backend: "127.0.0.1:3306", Protocol: wire.MySQL}
//	if err := mysql.Start(); err != nil {
//		…
//	}
//	defer mysql.Close()
//	db := open(mysql.Addr()) // the program connects here instead
//
//	mysql.SetFaults(chaos.Fault{Behavior: chaos.Hang{}})                          // now MySQL hangs
//	mysql.SetFaults(chaos.Fault{Behavior: chaos.Error{Code: "1213"}, Share: 0.2}) // one statement in five is a deadlock
//	mysql.SetFaults()                                                             // and now it is well again
//
// In a test package chaos/chaostest does the rest; chaos/control lets other programs set faults, with
// the APIs of Vaurien and toxiproxy; the command heeler chaos needs no program at all.
//
// # Faults
//
// A [Fault] is a [Behavior] with a share of the traffic, a direction and a [Schedule]. The faults of a
// proxy are asked in their order. They can be changed at any time, and hold at once for connections
// that stand.
//
// Faults of requests: [Delay], [Error], [Hang], [Abort], [Transient], [Blackout]. With a protocol that the
// proxy knows they strike whole requests, and an error is one of that protocol: the client's library
// gives the type of error that it would give in earnest, and the connection stays usable where the
// protocol allows it. What is encrypted cannot be followed: a client that prefers TLS must be told not to
// use it on its way to the proxy. Then, and with [wire.TCP], a fault is drawn for the connection, and a
// request is what a client says after the backend has spoken.
//
// Faults of bytes, in one direction: [Latency], [Bandwidth], [Slicer], [LimitData], [Corrupt], [Timeout],
// [SlowClose].
//
// Faults of connections: [Refuse], [Reset], [Cut], which can count the bytes of one direction, [SlowConnect],
// [HalfOpen], [LimitConnections].
//
// [Mix] chooses one of several by percentages. A program adds its own by implementing [Behavior].
//
// What clients see of each is in docs/chaos.md of the repository, measured with real ones.
//
// # Draws
//
// What strikes is decided by the proxy's Seed, the fault's name, and the numbers of the connection and the
// request: never by time. So a failure that a test has seen can be seen again.
package chaos
