package respond

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// View is w with exactly those of Flusher, Hijacker, ReaderFrom and Pusher
// that the writer below has. A view is one pointer, so making it allocates
// nothing.
func (w *Writer) View() http.ResponseWriter {
	_, f := w.under.(http.Flusher)
	_, h := w.under.(http.Hijacker)
	_, r := w.under.(io.ReaderFrom)
	_, p := w.under.(http.Pusher)
	switch {
	case f && h && r && !p: // HTTP/1
		return viewFHR{viewFH{viewF{w}}}
	case f && !h && !r && p: // HTTP/2
		return viewFP{viewF{w}}
	case f && !h && !r && !p: // httptest.ResponseRecorder
		return viewF{w}
	}
	return w.rareView(f, h, r, p)
}

func (w *Writer) rareView(f, h, r, p bool) http.ResponseWriter {
	kind := 0
	for i, has := range []bool{f, h, r, p} {
		if has {
			kind |= 1 << i
		}
	}
	var (
		vf  = viewF{w}
		vh  = viewH{w}
		vfh = viewFH{vf}
		vr  = viewR{w}
		vfr = viewFR{vf}
		vhr = viewHR{vh}
		all = viewFHR{vfh}
	)
	return [16]http.ResponseWriter{
		w, vf, vh, vfh, vr, vfr, vhr, all,
		viewP{w}, viewFP{vf}, viewHP{vh}, viewFHP{vfh}, viewRP{vr}, viewFRP{vfr}, viewHRP{vhr}, viewFHRP{all},
	}[kind]
}

// The letters are those of the interfaces; each type adds the last one.
type (
	viewF    struct{ *Writer }
	viewH    struct{ *Writer }
	viewFH   struct{ viewF }
	viewR    struct{ *Writer }
	viewFR   struct{ viewF }
	viewHR   struct{ viewH }
	viewFHR  struct{ viewFH }
	viewP    struct{ *Writer }
	viewFP   struct{ viewF }
	viewHP   struct{ viewH }
	viewFHP  struct{ viewFH }
	viewRP   struct{ viewR }
	viewFRP  struct{ viewFR }
	viewHRP  struct{ viewHR }
	viewFHRP struct{ viewFHR }
)

func (v viewF) Flush() { v.FlushError() }

func (v viewH) Hijack() (net.Conn, *bufio.ReadWriter, error)  { return v.hijack() }
func (v viewFH) Hijack() (net.Conn, *bufio.ReadWriter, error) { return v.hijack() }

func (v viewR) ReadFrom(src io.Reader) (int64, error)   { return v.readFrom(src) }
func (v viewFR) ReadFrom(src io.Reader) (int64, error)  { return v.readFrom(src) }
func (v viewHR) ReadFrom(src io.Reader) (int64, error)  { return v.readFrom(src) }
func (v viewFHR) ReadFrom(src io.Reader) (int64, error) { return v.readFrom(src) }

func (v viewP) Push(target string, o *http.PushOptions) error    { return v.push(target, o) }
func (v viewFP) Push(target string, o *http.PushOptions) error   { return v.push(target, o) }
func (v viewHP) Push(target string, o *http.PushOptions) error   { return v.push(target, o) }
func (v viewFHP) Push(target string, o *http.PushOptions) error  { return v.push(target, o) }
func (v viewRP) Push(target string, o *http.PushOptions) error   { return v.push(target, o) }
func (v viewFRP) Push(target string, o *http.PushOptions) error  { return v.push(target, o) }
func (v viewHRP) Push(target string, o *http.PushOptions) error  { return v.push(target, o) }
func (v viewFHRP) Push(target string, o *http.PushOptions) error { return v.push(target, o) }
