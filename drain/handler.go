package drain

import (
	"net/http"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

type handler struct {
	drainer *Drainer
	next    http.Handler
	inner   request.Inner // of next
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.ServeRecord(w, r, nil) }

// ServeRecord is ServeHTTP for a guard directly outside this one. The record is to be the request's
// context but is not yet, so that one copy of the request does for both guards.
//
// Its frame is on the stack of every handler, so it has little in it: see respond.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	x, passes := h.begin(w, r, rec)
	switch {
	case x != nil:
	case !passes:
		return
	case rec != nil:
		h.inner.ServeRecord(w, r, rec)
		return
	default:
		h.next.ServeHTTP(w, r)
		return
	}
	defer x.end()
	h.inner.ServeRecord(x.writer.View(), r, &x.rec)
	x.returned = true
}

// begin counts the request. If there is no exchange it has been answered, or passes: it has come through the Drainer
// already, further out.
func (h *handler) begin(w http.ResponseWriter, r *http.Request, rec *request.Record) (x *exchange, passes bool) {
	d := h.drainer
	ctx, outer := request.Outside(r, rec)
	if d.knows(outer) {
		return nil, true
	}
	if refused := d.turnAway(r); refused != nil {
		refused.answer(w, r, w.Header()["Content-Encoding"])
		return nil, false
	}
	if r.ProtoMajor < 2 && d.ending.Load() {
		w.Header().Set("Connection", "close") // net/http serves none that it reads once its listeners are closed
	}
	x = &exchange{drainer: d, r: r}
	x.ctx.parent = ctx
	x.rec.Context, x.rec.Outer, x.rec.Guard = &x.ctx, outer, x
	if rec != nil {
		x.rec.Start = rec.Start
	} else {
		x.rec.Start = deadline.Now()
	}
	if outer != nil {
		x.rec.ID = outer.ID
	}
	x.encoding = w.Header()["Content-Encoding"]
	x.writer.Init(w, x, nil)
	x.writer.InitEditor(x)
	d.running.Add(1)
	return x, false
}

// knows reports whether the request has come through d already.
func (d *Drainer) knows(rec *request.Record) bool {
	for ; rec != nil; rec = rec.Outer {
		if x, ok := rec.Guard.(*exchange); ok && x.drainer == d {
			return true
		}
	}
	return false
}
