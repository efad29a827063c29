package backoff

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	asideBytes = 64 << 10    // of a response that another attempt will replace
	asideTime  = time.Second // to read them
)

// errCut is where the body ends of a response that was too long or too slow to be set aside.
var errCut = errors.New("backoff: the response was given up for a retry, which was then not made")

// An asideBody is the body of a response, in memory.
type asideBody struct {
	data bytes.Reader
	err  error // at the end: io.EOF, or what the body itself ended with
}

func (b *asideBody) Read(p []byte) (int, error) {
	n, err := b.data.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func (b *asideBody) Close() error { return nil }

// setAside takes the response off its connection, which is then free for the retry, and leaves it
// whole, in case there will be none. A body that is longer than asideBytes or takes longer than
// asideTime, or until limit or the context's end, is closed, and with it, in HTTP/1, its connection.
// Of one that does not hear its Close, a goroutine is left behind until it ends.
func setAside(ctx context.Context, resp *http.Response, limit time.Time) {
	if resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(asideTime, time.Until(limit)))
	defer cancel()
	body := resp.Body
	inTime := context.AfterFunc(ctx, func() { body.Close() })
	read := make(chan *asideBody, 1)
	go readAside(body, read)
	select {
	case aside := <-read:
		if inTime() {
			resp.Body = aside
			return
		}
	case <-ctx.Done():
	}
	resp.Body = &asideBody{err: errCut}
}

// readAside reads a body, closes it and hands over what it was.
func readAside(body io.ReadCloser, read chan<- *asideBody) {
	data, err := io.ReadAll(io.LimitReader(body, asideBytes+1))
	body.Close()
	switch {
	case len(data) > asideBytes:
		err = errCut
	case err == nil:
		err = io.EOF
	}
	aside := &asideBody{err: err}
	aside.data.Reset(data)
	read <- aside
}
