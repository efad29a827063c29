package main

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/shop/books"
	"github.com/heeler-go/heeler/timebox"
)

// routes are the shop's pages. What each needs stands on the right.
func (s *shop) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(s.home))              // nothing
	mux.HandleFunc("GET /about", s.page(s.about))           // nothing
	mux.HandleFunc("GET /search", s.page(s.search))         // MySQL
	mux.HandleFunc("GET /authors", s.page(s.authors))       // MySQL, many times over
	mux.HandleFunc("GET /books/{id}", s.page(s.book))       // MySQL, and the reviews if they can be had
	mux.HandleFunc("GET /cart", s.page(s.cart))             // Redis
	mux.HandleFunc("POST /cart/add", s.page(s.add))         // MySQL and Redis
	mux.HandleFunc("POST /cart/remove", s.page(s.remove))   // Redis
	mux.HandleFunc("GET /break", s.page(s.breakIt))         // nothing
	mux.HandleFunc("GET /break/live", s.page(s.live))       // nothing
	mux.HandleFunc("POST /break/{backend}", s.page(s.turn)) // nothing
	mux.HandleFunc("GET /admin/{key}", s.page(s.enter))     // nothing
	mux.HandleFunc("GET /static/", s.page(serveStatic))
	mux.HandleFunc("/", s.page(nowhere))
	return mux
}

// page makes a handler of one that may fail before it has answered. It guards browsers against what
// others may have put into the page, and the shop against forms of other sites and forms too large.
func (s *shop) page(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	const (
		policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
			"form-action 'self'; frame-src 'self'; frame-ancestors 'self'; base-uri 'none'"
		largestForm = 64 << 10
	)
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "same-origin")
		r.Body = http.MaxBytesReader(w, r.Body, largestForm)

		err := s.sameOrigin.Check(r)
		if err != nil {
			err = errElsewhere
		} else {
			err = serve(w, r)
		}
		if err != nil {
			s.fail(w, r, err)
		}
	}
}

var (
	errNoPage    = errors.New("there is no such page")
	errElsewhere = errors.New("the form was sent from another site")
)

func nowhere(http.ResponseWriter, *http.Request) error { return errNoPage }

// An outage is the error of a backend that a page cannot do without.
type outage struct {
	backend string
	err     error
}

func (o outage) Error() string { return o.backend + ": " + o.err.Error() }
func (o outage) Unwrap() error { return o.err }

// fail answers for a handler that could not. Where a backend is to blame, the policy knows when it is
// worth coming back, and adds that.
func (s *shop) fail(w http.ResponseWriter, r *http.Request, err error) {
	var late interface{ Timeout() bool }
	var broken outage
	switch {
	case errors.Is(err, errNoPage), errors.Is(err, errNoBook):
		s.sorry(w, r, http.StatusNotFound, "Not on our shelves", "We looked everywhere, but "+err.Error()+".")

	case errors.Is(err, errElsewhere):
		s.sorry(w, r, http.StatusForbidden, "Not from here", "We take forms from our own pages only, and "+err.Error()+".")

	case errors.Is(context.Cause(r.Context()), timebox.ErrExceeded):
		// The time is up, and the box gives us a moment to say so in the shop's own words.
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(s.limit.Seconds()))))
		s.sorry(w, r, http.StatusServiceUnavailable, "That took too long",
			"Something behind this page is not answering, so we stopped waiting. Please try again in a moment.")

	case r.Context().Err() != nil: // the visitor has left

	case errors.Is(err, breaker.ErrOpen):
		s.sorry(w, r, http.StatusServiceUnavailable, "Not right now",
			"Something behind this page is not well, so we leave it alone for a while. Please try again in a moment.")

	case errors.As(err, &late) && late.Timeout():
		s.sorry(w, r, http.StatusServiceUnavailable, "That took too long",
			"Something behind this page is not answering. Please try again in a moment.")

	case errors.As(err, &broken):
		slog.Warn("a backend failed", "uri", r.URL.RequestURI(), "err", err)
		s.sorry(w, r, http.StatusServiceUnavailable, "Out of order",
			"Something behind this page is broken. Please try again in a moment.")

	default:
		slog.Error("a page failed", "uri", r.URL.RequestURI(), "err", err)
		s.sorry(w, r, http.StatusInternalServerError, "Our mistake", "This page is broken.")
	}
}

func (s *shop) home(w http.ResponseWriter, r *http.Request) error {
	var picks []books.Book
	for _, id := range []int{22, 1, 24, 35, 12, 34, 33, 15, 27, 29} {
		picks = append(picks, books.All()[id-1])
	}
	return s.render(w, r, "home", http.StatusOK, "", picks)
}

func (s *shop) about(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "about", http.StatusOK, "About", nil)
}

func (s *shop) search(w http.ResponseWriter, r *http.Request) error {
	const longest = 100
	words := strings.ToValidUTF8(strings.TrimSpace(r.FormValue("q")), "")
	if len(words) > longest {
		words = strings.ToValidUTF8(words[:longest], "")
	}
	found, err := s.catalog.search(r.Context(), words)
	if err != nil {
		return err
	}
	return s.render(w, r, "search", http.StatusOK, "Search", struct {
		Words string
		Found []books.Book
	}{words, found})
}

func (s *shop) authors(w http.ResponseWriter, r *http.Request) error {
	all, err := s.catalog.authors(r.Context())
	if err != nil {
		return err
	}
	return s.render(w, r, "authors", http.StatusOK, "Authors", all)
}

func (s *shop) book(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return errNoBook
	}
	book, err := s.catalog.book(r.Context(), id)
	if err != nil {
		return err
	}
	// The reviews are nice to have: the page does without them if their breaker refuses, or stops
	// waiting.
	list, err := s.reviews.of(r.Context(), book.ID)
	return s.render(w, r, "book", http.StatusOK, book.Title, struct {
		books.Book
		Reviews []books.Review
		Missing bool // the reviews could not be had
	}{book, list, err != nil})
}

func (s *shop) cart(w http.ResponseWriter, r *http.Request) error {
	lines, err := s.carts.list(r.Context(), cartOf(w, r))
	if err != nil {
		return err
	}
	total := 0
	for _, line := range lines {
		total += line.Count * line.Cents
	}
	return s.render(w, r, "cart", http.StatusOK, "Cart", struct {
		Lines []cartLine
		Total string
	}{lines, books.Price(total)})
}

func (s *shop) add(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.Atoi(r.PostFormValue("book"))
	if err != nil {
		return errNoBook
	}
	book, err := s.catalog.book(r.Context(), id)
	if err != nil {
		return err
	}
	if err := s.carts.add(r.Context(), cartOf(w, r), book); err != nil {
		return err
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
	return nil
}

func (s *shop) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.Atoi(r.PostFormValue("book"))
	if err != nil {
		return errNoBook
	}
	if err := s.carts.remove(r.Context(), cartOf(w, r), id); err != nil {
		return err
	}
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
	return nil
}
