package ask

import (
	"net/url"
	"strings"
)

// Cut takes the parameter out of a raw query, in every spelling that [net/url.ParseQuery] takes for
// its name: with or without a value, wherever and however often, in part percent-encoded. The rest is
// the other pairs, byte for byte, in their order and joined as they were; found says whether there was
// one to take out, and without one the rest is rawQuery itself. Param is a name that [CheckParam]
// accepts.
//
// The values are decoded as net/url would. One that net/url cannot decode is given as it was sent, and
// of very many only the first few are given, so that [Parse] has an error to tell. A pair with a
// semicolon is none of ours: net/url leaves it out, and so the application does not see it either.
// (Whoever uses [net/http.AllowQuerySemicolons] must have it further out than the profiler.)
//
// In a query of more than 10,000 pairs net/url would see none at all; the parameter is taken out of it
// too.
//
// When the rest is empty the request had no query but ours, and [net/url.URL.ForceQuery] can stay as it
// is: net/url sets it only where the query was empty before.
func Cut(rawQuery, param string) (rest string, values []string, found bool) {
	// The one byte that lets a name be spelled in another way, or the name itself, must be there.
	if !strings.Contains(rawQuery, param) && strings.IndexByte(rawQuery, '%') < 0 {
		return rawQuery, nil, false
	}
	var kept []byte // pairs, each with a separator behind it
	for at := 0; at <= len(rawQuery); {
		end := len(rawQuery)
		if n := strings.IndexByte(rawQuery[at:], '&'); n >= 0 {
			end = at + n
		}
		pair := rawQuery[at:end]
		value, ours := valueOf(pair, param)
		switch {
		case ours && !found:
			found = true
			kept = append(make([]byte, 0, len(rawQuery)), rawQuery[:at]...)
			fallthrough
		case ours:
			if len(values) <= maxValues {
				values = append(values, decode(value))
			}
		case found:
			kept = append(append(kept, pair...), '&')
		}
		at = end + 1
	}
	if !found {
		return rawQuery, nil, false
	}
	return strings.TrimSuffix(string(kept), "&"), values, true
}

// CutURI takes the parameter out of a whole request target, as [Cut] does out of its query: of
// [net/http.Request.RequestURI] in any of its forms (RFC 9112, section 3.2). The question mark goes too
// if nothing is left of the query.
func CutURI(uri, param string) string {
	path, query, ok := strings.Cut(uri, "?")
	if !ok {
		return uri
	}
	rest, _, found := Cut(query, param)
	switch {
	case !found:
		return uri
	case rest == "":
		return path
	}
	return path + "?" + rest
}

// valueOf gives the value of a pair if its name is the parameter's and net/url takes it for a pair.
func valueOf(pair, param string) (value string, ours bool) {
	name, value, _ := strings.Cut(pair, "=")
	if !spells(name, param) || strings.IndexByte(value, ';') >= 0 {
		return "", false
	}
	return value, true
}

// spells says whether name is param, in part percent-encoded. A plus sign stands for a space and a
// semicolon for nothing, and param has neither.
func spells(name, param string) bool {
	for i := range len(param) {
		if name == "" {
			return false
		}
		c, width := name[0], 1
		if c == '%' {
			if len(name) < 3 {
				return false
			}
			high, low := digit(name[1]), digit(name[2])
			if high > 15 || low > 15 {
				return false
			}
			c, width = high<<4|low, 3
		}
		if c != param[i] {
			return false
		}
		name = name[width:]
	}
	return name == ""
}

// digit is the value of a hexadecimal digit, and more than 15 for any other byte.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func decode(value string) string {
	if decoded, err := url.QueryUnescape(value); err == nil {
		return decoded
	}
	return value
}
