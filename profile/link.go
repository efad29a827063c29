package profile

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/heeler-go/heeler/profile/internal/ask"
)

// viewFor is how long a link to a result holds that its page, or an answer to a link, shows.
const viewFor = 24 * time.Hour

// Link makes a link that has one request profiled, once: whoever follows it needs not be known to Allow.
// It is for a request with this method, GET say, and the path of this URI, which may be a whole URL or
// begin with a slash, and has the path as the server gets it: without the prefix that a proxy takes off
// before, and with what [http.StripPrefix] takes off later. The query is not bound: whoever has the link
// may change it, and may add options to the parameter's value, as in
//
//	curl 'https://shop.example/repo?__profile__=link=TOKEN,inline'
//
// Chat programs that show a preview of a link follow it, and use it up: there, send it as code.
//
// The result belongs to user, and whoever follows the link gets one to the result. A link holds for the
// time given, to the second. One that was used is inert, as is one that was changed, taken to another
// path, or has expired: the request gets its usual answer. That a link was used is known, in other
// replicas and after a restart, for as long as the Store keeps the result, so let it not hold for longer.
//
// The error says what is wrong: there is no Key, or what is given cannot be the link of a request.
func (p *Profiler) Link(method, uri, user string, valid time.Duration) (string, error) {
	p.ready()
	if valid <= 0 {
		return "", fmt.Errorf("profile: a link is to be valid for %v; a positive time is accepted", valid)
	}
	if _, err := http.NewRequest(method, "/", nil); err != nil || method == "" {
		return "", fmt.Errorf("profile: a link is to be for the method %q; one of HTTP's is accepted, such as GET", method)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || (u.Scheme != "") != (u.Host != "") {
		return "", fmt.Errorf("profile: a link is to be to %q; a path that begins with a slash, or a whole URL with one, is accepted", uri)
	}
	if _, _, found := ask.Cut(u.RawQuery, p.param); found {
		return "", fmt.Errorf("profile: a link is to be to %q; a URI without the parameter %s is accepted", p.secrets.URI(uri), p.param)
	}
	token, err := p.signer.Sign(method, u.EscapedPath(), user, time.Now().Add(valid))
	if err != nil {
		return "", err
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += p.param + "=link=" + token
	return u.String(), nil
}

// A link is one that holds. The zero link is none.
type link struct {
	user, nonce string
	expires     time.Time
}

// verify is the link whose token came with the request, if it holds.
func (p *Profiler) verify(token string, r *http.Request) (l link, ok bool) {
	path := cmp.Or(ask.Path(r.RequestURI), r.URL.EscapedPath())
	l.user, l.nonce, l.expires, ok = p.signer.Verify(token, r.Method, path, time.Now())
	return l, ok
}

// idOf is the ID of a link's result: all replicas make the same of it, and nobody else can.
func (p *Profiler) idOf(nonce string) string {
	mac := hmac.New(sha256.New, p.Key)
	mac.Write([]byte("heeler/profile: result of " + nonce))
	return hex.EncodeToString(mac.Sum(nil)[:idBytes])
}

// idBytes is how many bytes an ID has before it is written in hexadecimal digits.
const idBytes = 16

func newID() string {
	var b [idBytes]byte
	rand.Read(b[:]) // never fails, by its documentation
	return hex.EncodeToString(b[:])
}

func isID(s string) bool {
	return len(s) == 2*idBytes && strings.Trim(s, "0123456789abcdef") == ""
}

// links are those that were used and would hold otherwise. The Store knows them, too, but may be
// forgetful.
type links struct {
	mu   sync.Mutex
	used map[string]time.Time // when they expire, by nonce
}

// use notes that a link is used, and reports whether it is for the first time.
func (l *links) use(one link, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for nonce, end := range l.used { // as many as were signed, at most
		if !now.Before(end) {
			delete(l.used, nonce)
		}
	}
	if _, ok := l.used[one.nonce]; ok {
		return false
	}
	if l.used == nil {
		l.used = make(map[string]time.Time)
	}
	l.used[one.nonce] = one.expires
	return true
}

// giveBack undoes use: nothing came of it.
func (l *links) giveBack(one link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.used, one.nonce)
}
