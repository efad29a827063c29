package breaker

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
)

// A rows is a driver's rows, and the call that brought them. The call ends after
// they are closed, not sooner: its context ends then, at which a driver may
// close the connection.
type rows struct {
	cn     *conn
	call   *call
	driver driver.Rows
	err    error // the driver's, if the rows ended with one
	ended  bool  // all have come
}

// query makes a call that is answered by rows.
func (cn *conn) query(ctx context.Context, statement string, f func(*call) (driver.Rows, error)) (driver.Rows, error) {
	c, err := cn.begin(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer cn.leave(c)
	d, err := f(c)
	if err != nil {
		return nil, cn.end(c, cn.judge(c, err), err)
	}
	c.rest()
	return scanned(&rows{cn: cn, call: c, driver: d}), nil
}

func (r *rows) Columns() []string { return r.driver.Columns() }

func (r *rows) Next(dest []driver.Value) error {
	if r.cn.busy != nil {
		return r.cn.broken
	}
	r.call.wait()
	defer r.cn.leave(r.call)
	return r.came(r.driver.Next(dest))
}

// came lets the call rest when a piece of the answer has come. An error is
// judged when the rows are closed: only then can the driver tell whether the
// connection goes on.
func (r *rows) came(err error) error {
	var late *TimeoutError
	switch {
	case err == io.EOF:
		r.ended = !r.HasNextResultSet()
	case err != nil:
		r.err, r.ended = err, false
		late = r.call.late()
	}
	r.call.rest()
	if late != nil {
		return explain(late, err)
	}
	return err
}

func (r *rows) Close() error {
	if r.cn.busy != nil {
		r.call.finish(uncounted)
		return nil
	}
	r.call.wait()
	defer r.cn.leave(r.call)
	var err error
	if r.ended {
		err = r.driver.Close()
	} else {
		// The driver reads the rest first; go-sql-driver/mysql without the context.
		_, err = apart(r.cn, r.call, func() (struct{}, error) { return struct{}{}, r.driver.Close() })
	}
	first := r.err
	if first == nil {
		first = err
	}
	return r.cn.end(r.call, r.cn.judge(r.call, first), err)
}

// HasNextResultSet is false without the driver's: at the end of the rows
// database/sql closes them then, as without this method.
func (r *rows) HasNextResultSet() bool {
	d, ok := r.driver.(driver.RowsNextResultSet)
	return ok && d.HasNextResultSet()
}

func (r *rows) NextResultSet() error {
	d, ok := r.driver.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	if r.cn.busy != nil {
		return r.cn.broken
	}
	r.call.wait()
	defer r.cn.leave(r.call)
	return r.came(d.NextResultSet())
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if d, ok := r.driver.(driver.RowsColumnTypeScanType); ok {
		return d.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if d, ok := r.driver.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return d.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *rows) ColumnTypeLength(i int) (length int64, ok bool) {
	if d, ok := r.driver.(driver.RowsColumnTypeLength); ok {
		return d.ColumnTypeLength(i)
	}
	return 0, false
}

func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if d, ok := r.driver.(driver.RowsColumnTypeNullable); ok {
		return d.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if d, ok := r.driver.(driver.RowsColumnTypePrecisionScale); ok {
		return d.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
