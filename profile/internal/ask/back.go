package ask

import "strings"

// Path gives the path of a request target or of a whole URL, as escaped as it is there, and without the
// query: what a [Signer] binds a link to. It is the same for the origin form ("/a?b") and the absolute
// form ("http://host/a?b"), where no path means "/". Other forms ("*", "host:443") stay as they are.
func Path(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	if strings.HasPrefix(uri, "/") {
		return uri
	}
	_, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
	}
	return "/"
}

// Back gives the relative reference (RFC 3986, section 4.2) that leads a client from a request to a page
// below the same mount: from "/a/b" to "/__profile__/ID/" it is "../__profile__/ID/". So it need not know
// where the mount is, and stays right behind [net/http.StripPrefix] and proxies that take prefixes off.
//
// EscapedPath is the request's path as seen inside the mount ([net/url.URL.EscapedPath]); only its depth
// counts, and nothing of it is in the reference. To is the page's path there, with or without its leading
// slash. The result never names another host, whatever the path.
//
// It must be put into the Location header as it is: [net/http.Redirect] would make it absolute with the
// path that it sees, which lacks the prefix.
func Back(escapedPath, to string) string {
	depth := depth(escapedPath)
	to = strings.TrimLeft(to, "/")
	if depth == 0 {
		return "./" + to // else a colon could make it a scheme
	}
	return strings.Repeat("../", depth) + to
}

// BackFrom is [Back] for a request with this RequestURI. The two differ where StripPrefix has left nothing
// of the path: the client may then be at "/app", beside the mount, or at "/app/", inside it.
func BackFrom(requestURI, escapedPath, to string) string {
	asked := Path(requestURI)
	last := asked[strings.LastIndexByte(asked, '/')+1:]
	if escapedPath != "" || !strings.HasPrefix(asked, "/") || last == "" {
		return Back(escapedPath, to)
	}
	return "./" + last + "/" + strings.TrimLeft(to, "/")
}

// depth is how many directories a client is below the root, from where it resolves references: it drops
// what follows the last slash, goes up for "..", and takes an empty name for a directory (RFC 3986,
// section 5.2.4).
func depth(escapedPath string) (n int) {
	rest := strings.TrimPrefix(escapedPath, "/")
	for {
		name, after, ok := strings.Cut(rest, "/")
		if !ok {
			return n
		}
		switch name {
		case ".":
		case "..":
			n = max(n-1, 0)
		default:
			n++
		}
		rest = after
	}
}
