// Package pq has the end of its path in common with a driver of PostgreSQL.
package pq

import "database/sql/driver"

// Conn is a connection of whatever makes it.
type Conn struct{ driver.Conn }
