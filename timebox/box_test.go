package timebox_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/timebox"
)

func TestValidateNamesTheFieldAndWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		box  *timebox.Box
		want []string // nothing if it is valid
	}{
		{&timebox.Box{}, nil},
		{&timebox.Box{Limit: 1, Grace: 1, RetryAfter: -1}, nil},
		{&timebox.Box{Limit: -time.Second}, []string{"timebox: Box.Limit is -1s", "must be positive", "zero for 10s"}},
		{&timebox.Box{Grace: -1}, []string{"timebox: Box.Grace is -1ns", "must be positive", "zero for none"}},
		{&timebox.Box{Limit: -1, Grace: -1}, []string{"Box.Limit", "Box.Grace"}},
	} {
		err := c.box.Validate()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.box, err)
		}
		for _, part := range c.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%v lacks %q", err, part)
			}
		}
	}
}

func TestWrapPanicsOnAProgrammersMistakeAndNamesIt(t *testing.T) {
	for want, wrap := range map[string]func(){
		"Box.Limit":    func() { (&timebox.Box{Limit: -1}).Wrap(http.NotFoundHandler()) },
		"Box.Grace":    func() { (&timebox.Box{Grace: -1}).Wrap(http.NotFoundHandler()) },
		"http.Handler": func() { timebox.Wrap(nil) },
		"NewQuota":     func() { timebox.NewQuota(0) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("the panic %q does not name %s", got, want)
				}
			}()
			wrap()
		}()
	}
}

func TestSkipLeavesARequestOutOfTheBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon, Skip: func(r *http.Request) bool { return r.URL.Path == "/export" }}
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			_, limited := r.Context().Deadline()
			if time.Sleep(2 * soon); limited {
				<-r.Context().Done()
			}
			fmt.Fprint(w, limited)
		})
		if resp, text := s.mustGet("/export"); resp.StatusCode != 200 || text != "false" {
			t.Errorf("/export: %d %q", resp.StatusCode, text)
		}
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("/: %d, want 503", resp.StatusCode)
		}
		if got := box.Stats().Started; got != 1 {
			t.Errorf("%d went into the box, want 1", got)
		}
	})
}

func TestASpentQuotaRefusesRequestsBeforeTheirHandler(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Quota: timebox.NewQuota(soon), RetryAfter: time.Minute}
		handled := make(chan struct{}, 10)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			handled <- struct{}{}
			if r.URL.Path == "/hang" {
				s.hang()
			}
		})
		for _, path := range []string{"/hang", "/", "/"} {
			resp, _ := s.mustGet(path)
			if comeBack(t, resp.Header, 60); resp.StatusCode != 503 {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
			if left := box.Quota.Remaining(); s.major == 2 && left != 0 {
				t.Errorf("%v is left of the quota", left)
			}
		}
		if len(handled) != 1 {
			t.Errorf("%d were handled, want 1", len(handled))
		}
		got := box.Stats()
		got.Running, got.Overrunning = 0, 0
		if want := (timebox.Stats{Started: 1, Exceeded: 3, Answered: 3}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestTheGuardsAroundAreToldWhatBecameOfARequest(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	gone, leave := context.WithCancel(context.Background())
	leave()
	for name, c := range map[string]struct {
		ctx    context.Context
		quota  *timebox.Quota
		handle http.HandlerFunc
		want   request.Fate
	}{
		"in time":       {t.Context(), nil, func(http.ResponseWriter, *http.Request) {}, request.Own},
		"answered":      {t.Context(), nil, hang, request.Refused},
		"a spent quota": {t.Context(), new(timebox.Quota), hang, request.Refused},
		"cut": {t.Context(), nil, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			hang(w, r)
		}, request.Cut},
		"the client has left": {gone, nil, func(_ http.ResponseWriter, r *http.Request) {
			for request.From(r.Context()).Fate() == request.Own { // its context has ended before
				time.Sleep(time.Millisecond)
			}
		}, request.Left},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &request.Record{Context: c.ctx, Watcher: new(told)}
			func() {
				defer func() { recover() }() // http.ErrAbortHandler
				r := httptest.NewRequestWithContext(rec, "GET", "/", nil)
				(&timebox.Box{Limit: soon, Quota: c.quota}).Wrap(c.handle).ServeHTTP(nowhere{}, r)
			}()
			if got := rec.Fate(); got != c.want {
				t.Errorf("fate %v, want %v", got, c.want)
			}
			if got := rec.Watcher.(*told).deadlines; got != 1 && c.quota == nil {
				t.Errorf("told of %d deadlines, want 1", got)
			}
		})
	}
}

// told counts the deadlines it is told of.
type told struct{ deadlines int }

func (w *told) DeadlineSet(time.Duration) { w.deadlines++ }
func (w *told) Lifted()                   {}

func TestAQuotaShortensTheLimit(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: patience, Quota: timebox.NewQuota(soon)}
		s.start(box, func(http.ResponseWriter, *http.Request) { s.hang() })
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
	})
}

func TestUploadedFilesAreRemovedAfterwards(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	for _, p := range protocols { // not in parallel, which the environment forbids
		t.Run(p.name, func(t *testing.T) {
			s := newServer(t, p)
			s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					t.Error(err)
				}
				if files, _ := os.ReadDir(dir); len(files) != 1 {
					t.Errorf("%d files on disk, want 1", len(files))
				}
				if r.URL.Path == "/hang" {
					<-r.Context().Done()
				}
			})
			for _, path := range []string{"/", "/hang"} {
				body, kind := upload(t)
				r := s.request("POST", path, body)
				r.Header.Set("Content-Type", kind)
				if _, _, err := s.do(r); err != nil {
					t.Error(err)
				}
				eventually(t, "the removal of the file after "+path, func() bool {
					files, _ := os.ReadDir(dir)
					return len(files) == 0
				})
			}
		})
	}
}

// upload is a form with a file that ParseMultipartForm(1) does not keep in memory.
func upload(t *testing.T) (body io.Reader, kind string) {
	t.Helper()
	buf := new(bytes.Buffer)
	form := multipart.NewWriter(buf)
	file, err := form.CreateFormFile("file", "big")
	if err != nil {
		t.Fatal(err)
	}
	file.Write(make([]byte, 64<<10))
	form.Close()
	return buf, form.FormDataContentType()
}

func TestOverrunsNameWhatRunsStill(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		name := "overruns, " + s.name
		listed := func() (found []timebox.Overrun) {
			for _, o := range timebox.Overruns() {
				if o.Name == name {
					found = append(found, o)
				}
			}
			return found
		}
		box := &timebox.Box{Name: name, Limit: soon}
		goOn := make(chan struct{})
		before := time.Now()
		s.start(box, func(http.ResponseWriter, *http.Request) { <-goOn })
		s.mustGet("/")
		got := listed()
		if len(got) != 1 || got[0].For < soon || got[0].Since.Before(before) || got[0].Since.After(time.Now().Add(-soon)) {
			t.Errorf("%+v", got)
		}
		close(goOn)
		eventually(t, "the end of the list", func() bool { return len(listed()) == 0 && box.Stats().Overrunning == 0 })
	})
}
