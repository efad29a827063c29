package drain_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/drain"
)

func TestAFaultyFieldIsNamed(t *testing.T) {
	client := func(*http.Request) string { return "" }
	for want, d := range map[string]*drain.Drainer{
		"drain: Drainer.Delay is -1s; it must be positive, or zero for none":                                                                              {Delay: -time.Second},
		"drain: Drainer.Spread is -1s; it must be positive, or zero for what the context of Shutdown leaves":                                              {Spread: -time.Second},
		"drain: Drainer.Grace is -1s; it must be positive, or zero for 5s":                                                                                {Grace: -time.Second},
		"drain: Drainer.Retry is -1s; it must be positive, or zero for 3s":                                                                                {Retry: -time.Second},
		"drain: Drainer.MaxConns is -1; it must be positive, or zero for any number":                                                                      {MaxConns: -1},
		"drain: Drainer.MaxPerClient is -2; it must be positive, or zero for any number":                                                                  {MaxPerClient: -2},
		"drain: Drainer.Parallel is -1; it must be positive, or zero for 1000":                                                                            {Parallel: -1},
		"drain: Drainer.Client is set, but MaxPerClient is 0: nobody asks for it":                                                                         {Client: client},
		"drain: Drainer.Delay is -1ns; it must be positive, or zero for none\ndrain: Drainer.MaxConns is -1; it must be positive, or zero for any number": {Delay: -1, MaxConns: -1},
	} {
		if err := d.Validate(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err := d.Shutdown(context.Background(), nil); err == nil || err.Error() != want {
			t.Errorf("Shutdown: %v", err)
		}
		if got := panics(func() { d.Wrap(http.NotFoundHandler()) }); got != want {
			t.Errorf("Wrap panics with %s", got)
		}
	}
	if err := new(drain.Drainer).Validate(); err != nil {
		t.Errorf("the zero Drainer: %v", err)
	}
	if got := panics(func() { new(drain.Drainer).Wrap(nil) }); got != "drain: Drainer.Wrap of a nil http.Handler" {
		t.Error(got)
	}
}

func panics(f func()) (with string) {
	defer func() { with = fmt.Sprint(recover()) }()
	f()
	return
}

func TestAShutdownErrorSaysAllThatWentWrong(t *testing.T) {
	err := &drain.ShutdownError{Forced: 1, Requests: 2, Hooks: 1, Server: true, Err: context.DeadlineExceeded}
	want := "drain: not all ended well: 1 connection was cut by force; 2 handlers were still running; 1 hook was still running; " +
		"connections of the server were closed; context deadline exceeded"
	if err.Error() != want {
		t.Errorf("%v", err)
	}
}

func TestADrainerWithNothingToDoIsDoneAtOnce(t *testing.T) {
	for name, ctx := range map[string]context.Context{
		"without a deadline":   context.Background(),
		"with a deadline":      within(t, time.Minute),
		"with one in the past": within(t, -time.Second),
	} {
		for _, withServer := range []bool{false, true} {
			var d drain.Drainer
			var srv *http.Server
			if withServer {
				srv = serve(t, protocols[0], d.Wrap(http.NotFoundHandler())).Config
			}
			began := time.Now()
			if err := d.Shutdown(ctx, srv); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: it took %v", name, took)
			}
			select {
			case <-d.Draining():
			default:
				t.Error("it does not say so")
			}
		}
	}
}

func ExampleDrainer_Shutdown() {
	d := &drain.Drainer{Retry: 10 * time.Second}
	events := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: the dog barks\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	srv := httptest.NewServer(d.Wrap(http.HandlerFunc(events)))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	err = d.Shutdown(ctx, srv.Config)
	text, _ := io.ReadAll(resp.Body)
	event, retry, _ := strings.Cut(string(text), "\n\n")
	fmt.Println(event)
	fmt.Println(retry[:len("retry: ")], len(strings.TrimSpace(retry)) == len("retry: 12345"))
	fmt.Println(err)
	// Output:
	// data: the dog barks
	// retry:  true
	// <nil>
}

func ExampleTell() {
	d := new(drain.Drainer)
	chat := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack() // or a library's Upgrade
		if err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		drain.Tell(r.Context(), func(context.Context) {
			io.WriteString(conn, "the server says goodbye")
			conn.Close()
		})
	}
	srv := httptest.NewServer(d.Wrap(http.HandlerFunc(chat)))
	defer srv.Close()

	r, _ := http.NewRequest("GET", srv.URL, nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "chat")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(d.Count().Hijacked)

	go d.Shutdown(context.Background(), srv.Config)
	text, _ := io.ReadAll(resp.Body)
	fmt.Println(string(text))
	// Output:
	// 1
	// the server says goodbye
}
