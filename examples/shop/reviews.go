package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/heeler-go/heeler/examples/shop/books"
)

// reviews asks the reviews' web service.
type reviews struct {
	client *http.Client
	addr   string // host:port
}

// of gives what readers said about a book, possibly nothing.
func (rv *reviews) of(ctx context.Context, book int) ([]books.Review, error) {
	url := fmt.Sprintf("http://%s/books/%d/reviews", rv.addr, book)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := rv.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("reviews: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("reviews: the service answered %s", resp.Status)
	}
	var list []books.Review
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&list); err != nil {
		return nil, fmt.Errorf("reviews: %w", err)
	}
	return list, nil
}

func (rv *reviews) close() error {
	rv.client.CloseIdleConnections()
	return nil
}
