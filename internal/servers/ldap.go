package servers

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where Debian's slapd keeps its schemas and its database engines.
const (
	schemas = "/etc/ldap/schema"
	modules = "/usr/lib/ldap"
)

// LDAP starts an OpenLDAP server with the schemas core, cosine and inetorgperson. Everybody may read;
// User is a DN that may write.
func LDAP(t testing.TB) *Server {
	t.Helper()
	server := Program(t, "slapd", "slapd")
	add := Program(t, "slapd", "slapadd")
	const base = "dc=heeler,dc=test"
	user, password := "cn=admin,"+base, rand.Text()
	config := func(s *Server) string { return filepath.Join(s.Dir, "slapd.conf") }
	s := run(t, kind{
		name: "ldap",
		prepare: func(s *Server) error {
			entry := filepath.Join(s.Dir, "base.ldif")
			return errors.Join(
				os.WriteFile(config(s), []byte(slapdConf(s.Dir, base, user, password)), 0o600), handOver(config(s)),
				os.WriteFile(entry, []byte("dn: "+base+"\nobjectClass: domain\ndc: heeler\n"), 0o600), handOver(entry),
				s.tool(add, "-f", config(s), "-l", entry))
		},
		command: func(s *Server, port string) []string {
			// -d keeps it in the foreground; 0 lets it complain, and no more.
			return []string{server, "-d", "0", "-f", config(s), "-h", "ldap://127.0.0.1:" + port}
		},
		// A bind as nobody in particular, and the beginning of the answer: a sequence of 12 bytes, to message 1, a
		// response to a bind (0x61), result success.
		answers: exchange("\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00",
			"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00"),
	}, freePort)
	s.User, s.Password, s.Database = user, password, base
	s.DSN = "ldap://" + s.Addr
	return s
}

// slapdConf is a configuration with one database in the server's directory. The database may lose its
// last writes when the system dies, not when only the server does.
func slapdConf(dir, base, user, password string) string {
	var conf strings.Builder
	for _, schema := range []string{"core", "cosine", "inetorgperson"} {
		fmt.Fprintf(&conf, "include %s/%s.schema\n", schemas, schema)
	}
	fmt.Fprintf(&conf, "modulepath %s\nmoduleload back_mdb\nthreads 4\npidfile %s/pid\n", modules, dir)
	fmt.Fprintf(&conf, "database mdb\nsuffix %q\nrootdn %q\nrootpw %s\n", base, user, password)
	fmt.Fprintf(&conf, "directory %s\nmaxsize 16777216\ndbnosync\n", dir)
	return conf.String()
}
