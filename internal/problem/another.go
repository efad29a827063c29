package problem

import "net/http"

// ofAnother reports whether a header says something of a body, or of an answer,
// that is not the problem's: it describes it, has caches keep it or sends the
// client or a proxy elsewhere. Any spelling counts.
func ofAnother(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Content-Type", "Content-Length", "Content-Encoding", "Content-Range", "Content-Disposition", "Content-Language", "Content-Location",
		"Accept-Ranges", "Transfer-Encoding", "Trailer", "X-Content-Type-Options":
		return true
	case "Content-Digest", "Content-Md5", "Digest", "Repr-Digest", "Signature", "Signature-Input", "Etag", "Last-Modified":
		return true
	case "Cache-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Edge-Control", "Surrogate-Control", "Expires", "Pragma", "Age",
		"X-Accel-Expires":
		return true
	case "Location", "Refresh", "X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File":
		return true
	}
	return false
}
