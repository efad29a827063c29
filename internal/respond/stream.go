package respond

import (
	"iter"
	"net/http"
)

// Stream declares that the response behind w is to last, whatever its type: all
// guards that w has come through let the request go, or none does. Then the
// error is that of the Keeper who refuses it, or http.ErrHandlerTimeout if the
// response is the handler's no more. Behind a writer that neither is a guard's
// nor has Unwrap nobody is found.
//
// It is for the handler's goroutine.
func Stream(w http.ResponseWriter) error {
	for guard := range guards(w) {
		if guard.gate != nil && guard.gate.shut.Load() {
			return http.ErrHandlerTimeout
		}
	}
	var admitted []Keeper
	for guard := range guards(w) {
		keeper, ok := guard.seen.(Keeper)
		if !ok {
			continue
		}
		if err := keeper.Admit(); err != nil {
			for _, k := range admitted {
				k.Keep(nil)
			}
			return err
		}
		admitted = append(admitted, keeper)
	}
	for guard := range guards(w) {
		guard.seen.LongLived()
	}
	return nil
}

// guards are the writers that w has come through, the innermost first.
func guards(w http.ResponseWriter) iter.Seq[*Writer] {
	return func(yield func(*Writer) bool) {
		for {
			switch t := w.(type) {
			case interface{ writer() *Writer }:
				if !yield(t.writer()) {
					return
				}
				w = t.writer().under
			case interface{ Unwrap() http.ResponseWriter }:
				w = t.Unwrap()
			default:
				return
			}
		}
	}
}

// writer finds the Writer that a view is of.
func (w *Writer) writer() *Writer { return w }
