//go:build go1.27

package breaker

import "database/sql/driver"

// A scanner is rows whose driver puts a column where the caller wants it.
// database/sql calls Next of no rows that have these methods.
type scanner struct {
	*rows
	driver driver.RowsColumnScanner
}

func scanned(r *rows) driver.Rows {
	if d, ok := r.driver.(driver.RowsColumnScanner); ok {
		return &scanner{r, d}
	}
	return r
}

func (s *scanner) NextRow() error {
	if s.cn.busy != nil {
		return s.cn.broken
	}
	s.call.wait()
	defer s.cn.leave(s.call)
	return s.came(s.driver.NextRow())
}

func (s *scanner) ScanColumn(scan driver.ScanContext, i int, dest any) error {
	return s.driver.ScanColumn(scan, i, dest)
}
