package respond_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
)

// limited is a server's writer with limits, which counts how often each is set.
type limited struct {
	http.ResponseWriter
	reads, writes *[]time.Time
}

func (l limited) SetReadDeadline(t time.Time) error {
	*l.reads = append(*l.reads, t)
	return nil
}

func (l limited) SetWriteDeadline(t time.Time) error {
	*l.writes = append(*l.writes, t)
	return nil
}

func TestTheServersLimitsAreTakenOffAStreamOnce(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"declared": func(w http.ResponseWriter) { respond.Stream(w) },
		"an event stream": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
		},
	} {
		for kind, gate := range gates {
			var reads, writes []time.Time
			under := limited{httptest.NewRecorder(), &reads, &writes}
			w := around(foreign{around(under, new(observer), gate())}, new(observer), gate())
			w.Header().Set("Content-Type", "text/plain")
			begin(w)
			if want := []time.Time{{}}; !slices.Equal(reads, want) || !slices.Equal(writes, want) {
				t.Errorf("%s, %s: the deadlines are set to %v and %v, want %v", name, kind, reads, writes, want)
			}

			own := time.Now().Add(time.Minute)
			http.NewResponseController(w).SetWriteDeadline(own)
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			respond.Stream(w)
			if !writes[len(writes)-1].Equal(own) {
				t.Errorf("%s, %s: the handler's own deadline is taken off", name, kind)
			}
		}
	}
}

func TestTheServersLimitsStayOnAnyOtherResponse(t *testing.T) {
	var reads, writes []time.Time
	w := around(limited{httptest.NewRecorder(), &reads, &writes}, new(observer), nil)
	w.Write([]byte("hello"))
	if len(reads)+len(writes) > 0 {
		t.Errorf("the deadlines are set to %v and %v", reads, writes)
	}
}

// upgradable is one whose connection can be had, too.
type upgradable struct{ limited }

func (upgradable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

func TestAConnectionThatWasTakenOverIsNotLimitedOrUnlimited(t *testing.T) {
	hijack := func(w http.ResponseWriter) { w.(http.Hijacker).Hijack() }
	stream := func(w http.ResponseWriter) { respond.Stream(w) }
	for name, c := range map[string]struct {
		steps []func(http.ResponseWriter)
		want  []time.Time
	}{
		"and declared a stream":          {[]func(http.ResponseWriter){hijack, stream}, nil},
		"after it was declared a stream": {[]func(http.ResponseWriter){stream, hijack}, []time.Time{{}}},
	} {
		for kind, gate := range gates {
			var reads, writes []time.Time
			writer := new(respond.Writer)
			writer.Init(upgradable{limited{httptest.NewRecorder(), &reads, &writes}}, new(observer), gate())
			for _, step := range c.steps {
				step(writer.View())
			}
			writer.Done(servedBy(&http.Server{ReadTimeout: time.Second, WriteTimeout: time.Second}))
			if !slices.Equal(reads, c.want) || !slices.Equal(writes, c.want) {
				t.Errorf("%s, %s: the deadlines are set to %v and %v, want %v", name, kind, reads, writes, c.want)
			}
		}
	}
}

// servedBy is a request that came to the server.
func servedBy(server *http.Server) *http.Request {
	return httptest.NewRequestWithContext(context.WithValue(context.Background(), http.ServerContextKey, server), "GET", "/", nil)
}

func TestTheServersLimitsAreBackWhenTheHandlerOfAStreamHasEnded(t *testing.T) {
	for name, c := range map[string]struct {
		server        *http.Server
		stream        bool
		reads, writes []time.Duration // from then on; zero is no deadline
	}{
		"both":                    {&http.Server{ReadTimeout: time.Second, WriteTimeout: time.Minute}, true, []time.Duration{0, time.Second}, []time.Duration{0, time.Minute}},
		"one":                     {&http.Server{WriteTimeout: time.Minute}, true, []time.Duration{0}, []time.Duration{0, time.Minute}},
		"none":                    {new(http.Server), true, []time.Duration{0}, []time.Duration{0}},
		"any other response":      {&http.Server{ReadTimeout: time.Second, WriteTimeout: time.Minute}, false, nil, nil},
		"a server that is silent": {nil, true, []time.Duration{0}, []time.Duration{0}},
	} {
		for kind, gate := range gates {
			synctest.Test(t, func(t *testing.T) {
				var reads, writes []time.Time
				outer, inner := new(respond.Writer), new(respond.Writer)
				outer.Init(limited{httptest.NewRecorder(), &reads, &writes}, new(observer), gate())
				inner.Init(outer.View(), new(observer), gate())
				w, r := inner.View(), servedBy(c.server)
				if c.server == nil {
					r = httptest.NewRequest("GET", "/", nil)
				}
				if c.stream {
					respond.Stream(w)
				}
				io.WriteString(w, "news")
				inner.Done(r)
				outer.Done(r)
				if got := since(reads); !slices.Equal(got, c.reads) {
					t.Errorf("%s, %s: the read deadlines are %v, want %v", name, kind, got, c.reads)
				}
				if got := since(writes); !slices.Equal(got, c.writes) {
					t.Errorf("%s, %s: the write deadlines are %v, want %v", name, kind, got, c.writes)
				}
			})
		}
	}
}

// since is how far away the times are; zero if there is none.
func since(times []time.Time) (all []time.Duration) {
	for _, t := range times {
		away := time.Duration(0)
		if !t.IsZero() {
			away = time.Until(t)
		}
		all = append(all, away)
	}
	return all
}
