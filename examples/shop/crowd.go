package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"
)

// An errand is a page that a shopper wants to see, and a word that it must have.
type errand struct{ path, word string }

// The errands of those who need MySQL and of those who do not. The cart needs Redis.
var (
	withSQL    = []errand{{"/search?q=melville", "Typee"}, {"/search", "Middlemarch"}, {"/books/22", "Moby-Dick"}}
	authors    = errand{"/authors", "Wuthering Heights"}
	withoutSQL = []errand{{"/", "front table"}, {"/cart", "Moby-Dick"}, {"/about", "heeler"}, {"/static/shop.css", "body"}}
)

// A crowd is the tour's visitors, who come over HTTP like any others.
type crowd struct{ withSQL, withoutSQL []*shopper }

// gather brings the crowd to the shop. Who needs no MySQL has put a book into the cart before.
func gather(ctx context.Context, url string) (*crowd, error) {
	c := new(crowd)
	for range tourShoppers {
		c.withSQL = append(c.withSQL, newShopper(url, withSQL))
		c.withoutSQL = append(c.withoutSQL, newShopper(url, withoutSQL))
	}
	for _, s := range c.withoutSQL {
		if err := s.post(ctx, "/cart/add", "book", "22"); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// turn brings trouble upon a backend, as any visitor may.
func (c *crowd) turn(ctx context.Context, backend string, t trouble) error {
	return c.withoutSQL[0].post(ctx, "/break/"+backend, "fault", string(t))
}

// load has everybody run errands for a time. The phase has begun at start.
func (c *crowd) load(ctx context.Context, start time.Time, length time.Duration) phase {
	p := phase{start: start}
	end := time.Now().Add(length)
	var all sync.WaitGroup
	send := func(shoppers []*shopper, into *tally) {
		answers := make([][]answer, len(shoppers))
		var group sync.WaitGroup
		for i, s := range shoppers {
			group.Go(func() { answers[i] = s.run(ctx, i, end) })
		}
		group.Wait()
		into.add(answers...)
	}
	all.Go(func() { send(c.withSQL, &p.withSQL) })
	all.Go(func() { send(c.withoutSQL, &p.withoutSQL) })
	all.Wait()
	return p
}

// leave closes the crowd's connections.
func (c *crowd) leave() {
	for _, group := range [][]*shopper{c.withSQL, c.withoutSQL} {
		for _, s := range group {
			s.client.CloseIdleConnections()
		}
	}
}

// A shopper is one visitor, with a browser's cookies and connections.
type shopper struct {
	client  *http.Client
	url     string
	errands []errand
}

// newShopper gives a shopper who waits much longer than the shop may take, to tell late from never.
func newShopper(url string, errands []errand) *shopper {
	jar, _ := cookiejar.New(nil) // which has no errors
	client := &http.Client{Transport: new(http.Transport), Jar: jar, Timeout: 5 * tourLimit}
	return &shopper{client, url, errands}
}

// run does one errand after the other, beginning with the given one, until the end. Nobody heeds a
// Retry-After.
func (s *shopper) run(ctx context.Context, first int, end time.Time) []answer {
	var answers []answer
	for time.Now().Before(end) {
		a := s.get(ctx, s.errands[(first+len(answers))%len(s.errands)])
		if ctx.Err() != nil {
			break
		}
		answers = append(answers, a)
		time.Sleep(tourPause)
	}
	return answers
}

// An answer is what became of one request.
type answer struct {
	path       string
	at         time.Time     // of the last byte
	took       time.Duration // until then
	status     int
	retryAfter string
	err        error // there was no whole answer, or not the right one
}

func (s *shopper) get(ctx context.Context, e errand) answer {
	a := answer{path: e.path}
	start := time.Now()
	body, resp, err := s.do(ctx, http.MethodGet, e.path, nil)
	a.at = time.Now()
	a.took = a.at.Sub(start)
	if err != nil {
		a.err = err
		return a
	}
	a.status, a.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	if a.status == http.StatusOK && !strings.Contains(body, e.word) {
		a.err = fmt.Errorf("the page does not say %q", e.word)
	}
	return a
}

// post sends a form with one field and follows to the page that it leads to.
func (s *shopper) post(ctx context.Context, path, field, value string) error {
	form := url.Values{field: {value}}.Encode()
	_, resp, err := s.do(ctx, http.MethodPost, path, strings.NewReader(form))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s", path, resp.Status)
	}
	return err
}

// do makes a request and reads the whole answer.
func (s *shopper) do(ctx context.Context, method, path string, form io.Reader) (string, *http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, form)
	if err != nil {
		return "", nil, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), resp, err
}
