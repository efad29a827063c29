//go:build !go1.27

package breaker

import "database/sql/driver"

func scanned(r *rows) driver.Rows { return r }
