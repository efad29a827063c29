package respond_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
)

// calls are those that reached a writer.
type calls struct{ list []string }

func (c *calls) note(call string) { c.list = append(c.list, call) }

// bare is a writer with none of the optional interfaces, and each of
// the others adds one.
type (
	bare   struct{ w *httptest.ResponseRecorder }
	flush  struct{ seen *calls }
	hijack struct{ seen *calls }
	read   struct{ seen *calls }
	push   struct{ seen *calls }
)

func (b bare) Header() http.Header         { return b.w.Header() }
func (b bare) Write(p []byte) (int, error) { return b.w.Write(p) }
func (b bare) WriteHeader(code int)        { b.w.WriteHeader(code) }

func (f flush) Flush() { f.seen.note("Flush") }

func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.seen.note("Hijack")
	return nil, nil, nil
}

func (r read) ReadFrom(src io.Reader) (int64, error) {
	r.seen.note("ReadFrom")
	return io.Copy(io.Discard, src)
}

func (p push) Push(target string, _ *http.PushOptions) error {
	p.seen.note("Push " + target)
	return http.ErrNotSupported
}

// combinations are writers with each choice of the four.
func combinations(seen *calls) []http.ResponseWriter {
	b := bare{httptest.NewRecorder()}
	f, h, r, p := flush{seen}, hijack{seen}, read{seen}, push{seen}
	return []http.ResponseWriter{
		b,
		struct {
			bare
			flush
		}{b, f},
		struct {
			bare
			hijack
		}{b, h},
		struct {
			bare
			flush
			hijack
		}{b, f, h},
		struct {
			bare
			read
		}{b, r},
		struct {
			bare
			flush
			read
		}{b, f, r},
		struct {
			bare
			hijack
			read
		}{b, h, r},
		struct {
			bare
			flush
			hijack
			read
		}{b, f, h, r},
		struct {
			bare
			push
		}{b, p},
		struct {
			bare
			flush
			push
		}{b, f, p},
		struct {
			bare
			hijack
			push
		}{b, h, p},
		struct {
			bare
			flush
			hijack
			push
		}{b, f, h, p},
		struct {
			bare
			read
			push
		}{b, r, p},
		struct {
			bare
			flush
			read
			push
		}{b, f, r, p},
		struct {
			bare
			hijack
			read
			push
		}{b, h, r, p},
		struct {
			bare
			flush
			hijack
			read
			push
		}{b, f, h, r, p},
	}
}
