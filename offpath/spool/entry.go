package spool

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// An Entry is one request as it came in, to be looked at later. Fields are what the client sent,
// unchecked: hostile bytes are kept as they are.
type Entry struct {
	// ID names the entry. Left empty, the publisher makes one that nobody can guess, and sets it:
	// 32 hexadecimal digits. One that is given must not be in the store yet and is at most
	// MaxID bytes long.
	ID string
	// Received is when the request came in. Left zero, the publisher sets it to now.
	Received time.Time
	// Method, URI (http.Request.RequestURI, as sent), Host, RemoteAddr and Proto are the request's.
	Method, URI, Host, RemoteAddr, Proto string
	// Header has those headers of the request that are worth keeping; nil means none.
	Header http.Header
	// Size is the length of the body in bytes. The publisher sets it to what it has read. Before
	// that, a positive Size says how long the body will be, so that one for which there is no room
	// is refused before it is read; zero means that nobody knows.
	Size int64

	// Attempts is how often the entry was handed to a consumer that failed: 0 the first time. A
	// publisher ignores it.
	Attempts int
	// LastError is what the last failed attempt said, cut at 1,000 bytes, and left out where a quota
	// has no room for it. A publisher ignores it.
	LastError string
	// Body gives a new reader of the body, from its beginning, at each call. The readers work until
	// the consumer's handle returns; one goroutine at a time may use one of them. A body whose
	// bytes on the disk have changed since gives an error that is ErrDamaged. A publisher ignores
	// this field and never sets it; a consumer always does.
	Body func() io.Reader
}

// MaxID and MaxHead bound what comes with a body, in bytes: the ID, and all strings and headers of an
// Entry together.
const (
	MaxID   = 256
	MaxHead = 2 << 20
)

// A Publisher keeps entries for a consumer: a [Spool] on the local disk, or a queue on other machines.
type Publisher interface {
	// Publish reads body to its end and returns nil only once the entry is durable. It sets e's ID,
	// Received and Size, and keeps neither e nor body after it has returned. A nil body is an empty
	// one. An error of body's comes back wrapped, and nothing is kept. It is safe for concurrent use.
	//
	// Where there is no room the error is ErrFull: the same entry may be taken later. Where there
	// will never be, it is ErrTooLarge.
	Publish(ctx context.Context, e *Entry, body io.Reader) error
}

// These errors come wrapped: ask with [errors.Is].
var (
	// ErrFull says that there is no room now: the quota is used up, or the disk is full. It also
	// wraps the disk's own error, such as syscall.ENOSPC, where that was the reason.
	ErrFull = errors.New("spool: full")
	// ErrTooLarge says that an entry would not fit into an empty store either.
	ErrTooLarge = errors.New("spool: too large")
	// ErrExists says that another entry in the store has this ID.
	ErrExists = errors.New("spool: the ID is in use")
	// ErrNotFound says that no dead entry has this ID.
	ErrNotFound = errors.New("spool: no dead entry has this ID")
	// ErrClosed says that the spool was closed, or never opened.
	ErrClosed = errors.New("spool: not open")
	// ErrLocked says that another process, or another Spool in this one, has the file open.
	ErrLocked = errors.New("spool: the file is in use")
	// ErrNotSpool says that a file was not made by this package, or that nothing in it can be read
	// any more. It is left as it is.
	ErrNotSpool = errors.New("spool: not a spool's file")
	// ErrDamaged says that bytes on the disk are not those that were written.
	ErrDamaged = errors.New("spool: damaged on the disk")
)
