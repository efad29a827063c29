// Package ask is how a request asks to be profiled, as plain functions on strings: what is taken out
// of its query before the application sees it ([Cut]), what that asks for ([Parse]), the links that
// ask or show on somebody's behalf ([Signer]), and the way from a request to the result pages ([Back]).
//
//	rest, values, found := ask.Cut(r.URL.RawQuery, "__profile__")
//	if !found {
//		// serve as usual
//	}
//	asked, err := ask.Parse(values)
//
// It decides nothing about who may ask, and serves nothing. All its functions are safe for concurrent
// use, and none panics, whatever a client has sent.
package ask

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// MaxRuns is how often a request can be asked to run.
const MaxRuns = 1000

// What [Parse] reads at most. A link's token has up to [MaxToken] bytes.
const (
	maxValues = 8    // of the parameter in one request
	maxText   = 2048 // bytes in all of them
	maxQuoted = 32   // bytes of an unknown option that an error repeats
)

const accepted = "inline, alloc, response, n=1 to n=1000 and link=TOKEN are accepted, separated by commas"

// Asked is what a request asks for. [Parse] makes it.
type Asked struct {
	Inline   bool   // the answer is the profile; else it is a redirect to the page that will show it
	Alloc    bool   // the allocations are counted too
	Response bool   // the application's answer is kept with the profile
	Runs     int    // how often the request is served, 1 to MaxRuns; 1 unless it says more
	Link     string // the token of a signed link; "" if there is none. Signer.Verify says whether it holds
}

// Parse reads the values that the parameter has in one request, as [Cut] gives them. Each is a list of
// options, separated by commas: inline, alloc, response, n=20, link=TOKEN. No values, empty ones and
// empty options ask for one detached run. The options of all values are taken together; to say one
// twice is no error, unless the two differ.
//
// The error tells what is accepted, in one line that can be shown to whoever asked: it repeats no
// token, and little of what it does not know.
func Parse(values []string) (Asked, error) {
	if len(values) > maxValues {
		return Asked{}, fmt.Errorf("profile: the parameter is given more than %d times", maxValues)
	}
	size := 0
	for _, v := range values {
		size += len(v)
	}
	if size > maxText {
		return Asked{}, fmt.Errorf("profile: the options have %d bytes; up to %d are accepted", size, maxText)
	}
	var a Asked
	for _, v := range values {
		for option := range strings.SplitSeq(v, ",") {
			if err := a.add(option); err != nil {
				return Asked{}, err
			}
		}
	}
	a.Runs = max(a.Runs, 1)
	return a, nil
}

// add takes one more option. Until all are read, Runs is 0 if none has said how many.
func (a *Asked) add(option string) error {
	name, value, hasValue := strings.Cut(option, "=")
	switch {
	case option == "":
	case option == "inline":
		a.Inline = true
	case option == "alloc":
		a.Alloc = true
	case option == "response":
		a.Response = true
	case name == "n" && hasValue:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n < 1 || n > MaxRuns {
			return fmt.Errorf("profile: n=%s is not a number of runs; 1 to %d are accepted", quote(value), MaxRuns)
		}
		if a.Runs != 0 && a.Runs != int(n) {
			return fmt.Errorf("profile: n=%d and n=%d at once; one of them is accepted", a.Runs, n)
		}
		a.Runs = int(n)
	case name == "link" && hasValue:
		if value == "" || len(value) > MaxToken {
			return fmt.Errorf("profile: the link's token has %d bytes; 1 to %d are accepted", len(value), MaxToken)
		}
		if a.Link != "" && a.Link != value {
			return fmt.Errorf("profile: two different links at once; one is accepted")
		}
		a.Link = value
	default:
		return fmt.Errorf("profile: option %s is unknown; %s", quote(name), accepted)
	}
	return nil
}

// CheckMethod says whether a request with this method may be served as often as asked. Only GET and
// HEAD, which change nothing (RFC 9110, section 9.2.1), run more than once.
func (a Asked) CheckMethod(method string) error {
	if a.Runs <= 1 || method == http.MethodGet || method == http.MethodHead {
		return nil
	}
	return fmt.Errorf("profile: n=%d with the method %s; only GET and HEAD are run more than once", a.Runs, quote(method))
}

// CheckParam says whether the parameter can have this name: 1 to 64 letters, digits, '-', '_', '.' and
// '~', which mean the same in a query and in a path, but not only dots, which mean a place in a path.
func CheckParam(param string) error {
	if len(param) > 64 || strings.Trim(param, ".") == "" || strings.Trim(param, unreserved) != "" {
		return fmt.Errorf("profile: Profiler.Param is %s; 1 to 64 letters, digits, -, _, . and ~ are accepted, and not only dots", quote(param))
	}
	return nil
}

// unreserved is what no URL has to encode (RFC 3986, section 2.3).
const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

// quote makes of a client's text a short word in one line.
func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.QuoteToASCII(s[:maxQuoted]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
