package spool_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/heeler-go/heeler/offpath/spool"
)

func Example() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	s := &spool.Spool{Path: filepath.Join(dir, "hooks.spool")}
	if err := s.Open(); err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	// In a handler: once Publish returns nil the request is on the disk, and can be answered.
	e := &spool.Entry{Method: "POST", URI: "/hooks/payment"}
	if err := s.Publish(context.Background(), e, strings.NewReader(`{"paid":12}`)); err != nil {
		log.Fatal(err)
	}

	// Elsewhere, at leisure, in this process or the next one.
	ctx, cancel := context.WithCancel(context.Background())
	_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
		defer cancel() // this example has seen enough
		body, err := io.ReadAll(e.Body())
		fmt.Printf("%s %s: %s\n", e.Method, e.URI, body)
		return err
	})
	fmt.Println(s.Stats().Acknowledged, "acknowledged")
	// Output:
	// POST /hooks/payment: {"paid":12}
	// 1 acknowledged
}
