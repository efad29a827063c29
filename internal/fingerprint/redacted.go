package fingerprint

import (
	"regexp"
	"strings"

	"github.com/heeler-go/heeler/internal/redact"
)

// compared is a column on the right side of a comparison, as in c.author = p.author.
var compared = regexp.MustCompile(`([=<>]) [A-Za-z_]\w*\.[A-Za-z_]\w*([ ),]|$)`)

// Redacted is a statement without what looks secret in it, for the statement may come from somebody who
// has left its values in. It is unchanged if all that looks so is a ?, or the column that another one
// is compared with in what is its own fingerprint.
func Redacted(statement string, secrets redact.List) string {
	redacted := secrets.Text(statement)
	if redacted == statement || harmlessly(statement, redacted) {
		return statement
	}
	if SQL(statement) == statement {
		if masked := compared.ReplaceAllString(statement, "$1 ?$2"); harmlessly(masked, secrets.Text(masked)) {
			return statement
		}
	}
	return redacted
}

// harmlessly says whether nothing was redacted but ?.
func harmlessly(statement, redacted string) bool {
	return strings.ReplaceAll(redacted, redact.Mark, "?") == statement
}
