package control

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// badName says what is wrong with the name of a proxy or a toxic, or is empty. It becomes a part of a
// path, in which "." and ".." mean something else; and people read it on terminals.
func badName(name string) string {
	if name == "." || name == ".." || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Sprintf("%.60q, want no control characters, and neither . nor ..", name)
	}
	return ""
}

// checkName refuses a name that cannot be one. Where is empty, or says whose it is.
func checkName(name, where string) error {
	if bad := badName(name); bad != "" {
		return refusal(http.StatusBadRequest, "name", "name%s is %s", where, bad)
	}
	return nil
}
