package page

import (
	"crypto/rand"
	"net/http"
	"strconv"
)

// guard sets the headers that keep an answer to its own origin and out of caches. Scripts and styles run
// only with the nonce; without one, none do.
func guard(h http.Header, nonce string) {
	policy := "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
	if nonce != "" {
		// Graphviz is WebAssembly, which is compiled in the browser.
		policy += "; script-src 'nonce-" + nonce + "' 'wasm-unsafe-eval'; style-src 'nonce-" + nonce + "'; " +
			"img-src 'self' data:; connect-src 'self'"
	}
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// newNonce makes a nonce of 130 random bits.
func newNonce() string { return rand.Text() }

// send answers with a body that is complete.
func send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // fails only if the reader has left
	}
}
