package breaker

import (
	"database/sql/driver"
	"reflect"
	"strings"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

// fingerprints is how statements on a driver's connection get their fingerprint.
// In those of PostgreSQL's drivers more is known for a name than in others; a
// wrapper that hides the driver makes them others.
func fingerprints(d driver.Conn) func(statement string) string {
	t := reflect.TypeOf(DriverConn(d))
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return fingerprint.SQL
	}
	for _, of := range [...]string{"github.com/jackc/pgx/", "github.com/lib/pq/"} {
		if strings.Contains(t.PkgPath()+"/", of) {
			return fingerprint.PostgreSQL
		}
	}
	return fingerprint.SQL
}
