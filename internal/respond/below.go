package respond

import (
	"bufio"
	"net"
	"net/http"
)

// below stands for a writer that is no Hijacker but has one under it.
type below struct {
	http.ResponseWriter
	w *Writer // whose the connection is
}

func (b below) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func (b below) Hijack() (net.Conn, *bufio.ReadWriter, error) { return b.w.hijack() }

// canHijack and canFlush look for what http.ResponseController will find.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

func canFlush(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Flusher:
			return true
		case interface{ Under() http.ResponseWriter }: // another guard's view: it has FlushError in any case
			w = t.Under()
		case interface{ FlushError() error }:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
