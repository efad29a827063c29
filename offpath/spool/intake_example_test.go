package spool_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/heeler-go/heeler/offpath/spool"
)

// Webhooks are on the disk before they are answered, and looked at when there is time.
func ExampleIntake() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s := &spool.Spool{Path: filepath.Join(dir, "hooks.spool")}
	if err := s.Open(); err != nil {
		panic(err)
	}
	defer s.Close()
	in := &spool.Intake{To: s, Header: []string{"Content-Type", "X-Hub-Signature-256"}, MaxBody: 5 << 20}
	mux := http.NewServeMux()
	mux.Handle("POST /hooks/", in.Wrap(nil))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/hooks/github", strings.NewReader("Speak like a human.")))
	fmt.Println(w.Code)

	ctx, cancel := context.WithCancel(context.Background())
	_ = s.Run(ctx, func(_ context.Context, e *spool.Entry) error {
		body, err := io.ReadAll(e.Body())
		fmt.Printf("%s %s: %s\n", e.Method, e.URI, body)
		cancel()
		return err
	})
	// Output:
	// 202
	// POST /hooks/github: Speak like a human.
}

// With Pass the request is answered by its handler as ever. What it came with is kept, in case that
// the handler has got it wrong.
func ExampleIntake_pass() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	s := &spool.Spool{Path: filepath.Join(dir, "raw.spool")}
	if err := s.Open(); err != nil {
		panic(err)
	}
	defer s.Close()
	in := &spool.Intake{
		To: s, Pass: true, Full: spool.Drop,
		Skip: func(r *http.Request) bool { return r.Method != http.MethodPost },
	}
	app := in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s, %v, stored: %v", body, err, spool.ID(r.Context()) != "")
	}))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("bark")))
	fmt.Println(w.Body)
	// Output:
	// bark, <nil>, stored: true
}
