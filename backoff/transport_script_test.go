package backoff_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// A script is a base that answers from memory: the first request with the first answer and so on, and
// the last for ever after. It notes what it saw.
type script struct {
	answers []func(*http.Request) (*http.Response, error)

	mu     sync.Mutex
	began  time.Time
	at     []time.Duration // when requests came, since the first one
	bodies []string        // of the requests
	opened []*scriptBody   // of the responses
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	body := ""
	if req.Body != nil {
		data, _ := io.ReadAll(req.Body)
		req.Body.Close()
		body = string(data)
	}
	s.mu.Lock()
	if len(s.at) == 0 {
		s.began = time.Now()
	}
	answer := s.answers[min(len(s.at), len(s.answers)-1)]
	s.at = append(s.at, time.Since(s.began))
	s.bodies = append(s.bodies, body)
	s.mu.Unlock()

	resp, err := answer(req)
	if resp != nil {
		b := &scriptBody{Reader: resp.Body}
		resp.Body, resp.Request = b, req
		s.mu.Lock()
		s.opened = append(s.opened, b)
		s.mu.Unlock()
	}
	return resp, err
}

// open is how many bodies of responses have not been closed.
func (s *script) open() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.opened {
		if !b.closed() {
			n++
		}
	}
	return n
}

type scriptBody struct {
	io.Reader
	mu    sync.Mutex
	ended bool
}

func (b *scriptBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	if c, ok := b.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (b *scriptBody) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// says is an answer with a status, and headers as pairs.
func says(status int, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Add(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("body of the response"))}, nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func scripted(answers ...func(*http.Request) (*http.Response, error)) *script {
	return &script{answers: answers}
}

// ask makes a request and closes the response's body. Status is 0 for an error.
func ask(t *testing.T, rt http.RoundTripper, url string) (status int, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// refusal is the Error that a request ends with; nil if it was sent.
func refusal(t *testing.T, rt http.RoundTripper, url string) *backoff.Error {
	t.Helper()
	_, err := ask(t, rt, url)
	var refused *backoff.Error
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("%s: %v", url, err)
	}
	return refused
}

const site = "http://example.com/"
