package ask

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// Sizes in bytes.
const (
	MinKey  = 32  // of a key: as much as the hash gives (RFC 2104, section 3)
	MaxUser = 512 // of a user's name in a link

	// MaxToken is the longest token that is looked at, and that of a link for the longest name.
	MaxToken = ((headSize+nonceSize+MaxUser+sha256.Size)*8 + 5) / 6

	headSize  = 1 + 8 // version, expiry
	nonceSize = 16
)

// version is a token's first byte. Another stands for another layout of the token or of what is signed.
const version = 1

// What each kind of link signs before all else, so that none can pass for another.
const (
	requestDomain = "heeler/profile: request link"
	viewDomain    = "heeler/profile: view link"
)

// A Signer makes and checks the tokens of signed links. There are two kinds: who has a request link may
// have one request profiled, in the name of the user that it is made out to; who has a view link may see
// one result. Neither stands for the other, and none holds with another key. The zero Signer signs
// nothing and accepts nothing.
//
// A token is of letters, digits, '-' and '_' and can stand in a path or a query as it is. It is signed,
// not secret: whoever holds one can read the user and the expiry in it.
//
// A token is the base64url form (RFC 4648, section 5, no padding) of one byte of version, eight of expiry
// in Unix seconds, for requests sixteen random bytes and the user, and an HMAC-SHA256 (RFC 2104) of all
// these and of what the link is bound to.
type Signer struct {
	// Key has MinKey bytes or more, the same in all processes that are to accept each other's links.
	// Nil: there are no links.
	Key []byte
}

// Validate says whether Key is long enough, or nil.
func (s Signer) Validate() error {
	if s.Key != nil && len(s.Key) < MinKey {
		return fmt.Errorf("profile: Profiler.Key has %d bytes; %d or more are accepted, or nil for no links", len(s.Key), MinKey)
	}
	return nil
}

// ready is Validate for what cannot do without a key.
func (s Signer) ready() error {
	if s.Key == nil {
		return fmt.Errorf("profile: Profiler.Key is nil; links need one of %d bytes or more", MinKey)
	}
	return s.Validate()
}

// Sign makes the token of a request link: for one request with this method and this path, in the name
// of this user, before expires, which is rounded up to a second. The path is that of the request's line,
// escaped as it will be sent; see [Path]. The query is not bound. Two tokens are never the same.
func (s Signer) Sign(method, path, user string, expires time.Time) (token string, err error) {
	if err := s.ready(); err != nil {
		return "", err
	}
	if len(user) > MaxUser {
		return "", fmt.Errorf("profile: the user of a link has %d bytes; up to %d are accepted", len(user), MaxUser)
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:]) // never fails, by its documentation
	body := append(append(head(expires), nonce[:]...), user...)
	return s.seal(body, requestDomain, method, path), nil
}

// Verify checks the token of a request link against the request that it came with, and gives the user
// whom it is made out to. What is not ok was forged, belongs to another request, or has expired.
//
// One use is the caller's to see to: the nonce, 32 hexadecimal digits in lower case, is the link's own
// name, no other spelling of the token has another, and nobody needs to remember it after it expires.
func (s Signer) Verify(token, method, path string, now time.Time) (user, nonce string, expires time.Time, ok bool) {
	body, ok := s.open(token, now, requestDomain, method, path)
	if !ok || len(body) < headSize+nonceSize {
		return "", "", time.Time{}, false
	}
	rest := body[headSize:]
	return string(rest[nonceSize:]), hex.EncodeToString(rest[:nonceSize]), time.Unix(expiry(body), 0), true
}

// SignView makes the token of a view link: it shows the result with this ID before expires, which is
// rounded up to a second, as often as wanted.
func (s Signer) SignView(id string, expires time.Time) (token string, err error) {
	if err := s.ready(); err != nil {
		return "", err
	}
	return s.seal(head(expires), viewDomain, id), nil
}

// VerifyView says whether the token is that of a view link to this result, and has not expired.
func (s Signer) VerifyView(token, id string, now time.Time) bool {
	body, ok := s.open(token, now, viewDomain, id)
	return ok && len(body) == headSize
}

// head is what all tokens begin with.
func head(expires time.Time) []byte {
	seconds := expires.Unix()
	if expires.Nanosecond() > 0 {
		seconds++
	}
	return binary.BigEndian.AppendUint64([]byte{version}, uint64(seconds))
}

func expiry(body []byte) int64 { return int64(binary.BigEndian.Uint64(body[1:headSize])) }

func (s Signer) seal(body []byte, bound ...string) string {
	return encoding.EncodeToString(append(body, s.mac(body, bound)...))
}

// open gives a token's body if it was sealed with our key and what it is bound to, and is still good.
func (s Signer) open(token string, now time.Time, bound ...string) (body []byte, ok bool) {
	// The decoder skips line ends, which would give one token many spellings.
	if s.ready() != nil || len(token) > MaxToken || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	raw, err := encoding.DecodeString(token)
	if err != nil || len(raw) < headSize+sha256.Size {
		return nil, false
	}
	body, sum := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(sum, s.mac(body, bound)) {
		return nil, false
	}
	return body, body[0] == version && now.Unix() < expiry(body)
}

// mac hashes the body and what it is bound to, each behind its length, so that no two lists of them are
// the same bytes.
func (s Signer) mac(body []byte, bound []string) []byte {
	h := hmac.New(sha256.New, s.Key)
	var size [8]byte
	for _, field := range bound {
		h.Write(binary.BigEndian.AppendUint64(size[:0], uint64(len(field))))
		h.Write([]byte(field))
	}
	h.Write(binary.BigEndian.AppendUint64(size[:0], uint64(len(body))))
	h.Write(body)
	return h.Sum(nil)
}

var encoding = base64.RawURLEncoding.Strict()
