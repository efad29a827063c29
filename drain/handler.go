package drain

import (
	"context"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

type handler struct {
	drainer *Drainer
	next    http.Handler
	inner   request.Inner // next, if it is a guard
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	rec := request.From(ctx)
	if h.drainer.knows(rec) {
		h.next.ServeHTTP(w, r)
		return
	}
	h.serve(w, r, ctx, rec, deadline.Now())
}

// ServeRecord is ServeHTTP for a guard directly outside this one. The record is to be the request's
// context but is not yet, so that one copy of the request does for both guards.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	if h.drainer.knows(rec) {
		request.Pass(h.next, h.inner, w, r, rec)
		return
	}
	h.serve(w, r, rec, rec, rec.Start)
}

// serve has the request served. It came at start.
func (h *handler) serve(w http.ResponseWriter, r *http.Request, ctx context.Context, outer *request.Record, start time.Duration) {
	d := h.drainer
	if refused := d.turnAway(r); refused != nil {
		refused.answer(w, r, w.Header()["Content-Encoding"])
		return
	}
	if r.ProtoMajor < 2 && d.ending.Load() {
		w.Header().Set("Connection", "close") // net/http serves none that it reads once its listeners are closed
	}
	x := &exchange{drainer: d, r: r}
	x.ctx.parent = ctx
	x.rec.Context, x.rec.Outer, x.rec.Guard, x.rec.Start = &x.ctx, outer, x, start
	if outer != nil {
		x.rec.ID = outer.ID
	}
	x.encoding = w.Header()["Content-Encoding"]
	x.writer.Init(w, x, nil)
	x.writer.InitEditor(x)
	d.running.Add(1)
	defer x.end()
	request.Pass(h.next, h.inner, x.writer.View(), r, &x.rec)
	x.returned = true
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
