// Package servers gives a test a real MariaDB, PostgreSQL, Redis, OpenLDAP or memcached of its own,
// to be stopped, hung and started again while the test looks on.
//
//	db := servers.MariaDB(t)
//	pool, err := sql.Open("mysql", db.DSN)
//	…
//	db.Hang()   // it accepts connections and says no word
//	db.Resume()
//	db.Kill()   // connections are refused
//	db.Start()  // the same address, the same data
//
// A server listens on a port of 127.0.0.1 and keeps its files in a temporary directory. Both are the
// test's own, so that tests may run beside each other and beside whatever the machine runs. It is killed and
// its directory removed when the test ends, and also when the test process panics, runs into its
// timeout or is killed itself.
//
// The programs are those of Debian's packages. Where one is not installed the test is skipped, with
// the package's name; with CI=true the test fails instead, since a check that was left out there would
// be noticed by nobody. Everything works on Linux only, as root too: the servers then run as nobody.
package servers
