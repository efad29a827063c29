package backend

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/heeler-go/heeler/examples/shop/books"
)

// Reviews starts a web service that answers GET /books/{id}/reviews with a JSON array.
func Reviews() (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("backend: reviews: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /books/{id}/reviews", listReviews)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Serve(listener) // returns ErrServerClosed when it is closed
	}()
	return &Server{Addr: listener.Addr().String(), close: func() error {
		err := s.Close()
		<-done
		return err
	}}, nil
}

func listReviews(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		http.Error(w, "reviews: the book's id must be a number", http.StatusBadRequest)
		return
	}
	reviews := books.Reviews(id)
	if reviews == nil {
		reviews = []books.Review{} // an array in JSON too
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(reviews)
}
