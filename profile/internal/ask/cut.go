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
	// Without a percent sign there is one spelling only, which is quicker to look for.
	if strings.IndexByte(rawQuery, '%') < 0 && !strings.Contains(rawQuery, param) {
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
		if ours && !found {
			found = true
			kept = append(make([]byte, 0, len(rawQuery)), rawQuery[:at]...)
		}
		if !ours && found {
			kept = append(append(kept, pair...), '&')
		}
		if ours && len(values) <= maxValues {
			values = append(values, decode(value))
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

// valueOf gives the value of a pair if its name is param, in part percent-encoded, and net/url takes it
// for a pair. In a name a plus sign stands for a space and a semicolon for nothing; param has neither.
func valueOf(pair, param string) (value string, ours bool) {
	at := 0
	for i := range len(param) {
		if at == len(pair) {
			return "", false
		}
		c := pair[at]
		at++
		if c == '%' {
			if len(pair) < at+2 {
				return "", false
			}
			c = digit(pair[at])<<4 | digit(pair[at+1])
			at += 2
		}
		if c != param[i] {
			return "", false
		}
	}
	if at == len(pair) {
		return "", true
	}
	return pair[at+1:], pair[at] == '=' && strings.IndexByte(pair[at:], ';') < 0
}

// digit is the value of a hexadecimal digit. For any other byte it has all bits set, and what is put
// together with it is no ASCII, which param is.
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
