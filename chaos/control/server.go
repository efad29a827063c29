package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// A Server lets proxies be controlled over HTTP. Its zero value controls none, until somebody creates
// one. It is an [http.Handler], safe for concurrent use, and it can listen by itself: see Start. Its
// fields must not be changed after the first request.
type Server struct {
	// Proxies are there from the beginning, started by whoever made them; their names must be set and
	// differ. The first is the one that Vaurien's API is about. To have them in the events, set their
	// Notify to the server's before they are started. They stay when the server ends; those that
	// were created through the API end with it. One that a client deletes is closed.
	Proxies []*chaos.Proxy

	// Addr is where Start listens, "host:port". Empty is 127.0.0.1:0, a free port of this machine. An
	// address that other machines can reach needs a Token.
	Addr string

	// Token is what each request must bear: "Authorization: Bearer …", or as the password in the URL
	// of clients that know of no tokens (http://:token@host:8474). Empty: none is asked for, and
	// requests are answered only if their Host is localhost, an IP address, Addr's, or one of Hosts,
	// lest a web page's own name is pointed at this machine.
	Token string

	// Hosts are more names by which the server is called, such as that of its container.
	Hosts []string

	// Behaviors are those that can be asked for, each with what its attributes are when they are not
	// given. Nil is chaos.Behaviors().
	Behaviors []chaos.Behavior

	// Notice, unless nil, is told what happens at proxies that were created through the API or by Load;
	// others have a Notify of their own. It is called as that is: it must return at once, and must not
	// ask the server.
	Notice func(chaos.Notice)

	// Protocols are those that created proxies can speak. Nil is wire.Protocols().
	Protocols []wire.Protocol

	once   sync.Once
	bad    error // what Validate says
	mux    *http.ServeMux
	ctx    context.Context // ends with the server
	cancel context.CancelFunc
	events hub
	logs   atomic.Int32 // conversations that are being written

	mu      sync.Mutex // of all below, and one change at a time
	entries []*entry
	http    *http.Server
	ln      net.Listener
	closed  bool
}

// Validate says what is wrong with the fields, and what is accepted.
func (s *Server) Validate() error {
	seen := map[string]bool{}
	for i, p := range s.Proxies {
		switch {
		case p == nil:
			return fmt.Errorf("chaos/control: Server.Proxies[%d] is nil", i)
		case p.Name == "":
			return fmt.Errorf("chaos/control: the Name of Server.Proxies[%d] is empty, want one", i)
		case badName(p.Name) != "":
			return fmt.Errorf("chaos/control: the Name of Server.Proxies[%d] is %s", i, badName(p.Name))
		case seen[p.Name]:
			return fmt.Errorf("chaos/control: two of Server.Proxies have the Name %q", p.Name)
		}
		seen[p.Name] = true
	}
	if strings.ContainsFunc(s.Token, unicode.IsControl) || strings.TrimSpace(s.Token) != s.Token {
		return errors.New("chaos/control: Server.Token has control characters, or blanks around it, " +
			"want none: no client could send it")
	}
	if s.Addr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(s.Addr); err != nil {
		return fmt.Errorf("chaos/control: Server.Addr is %q, want host:port: %w", s.Addr, err)
	}
	if s.Token == "" && !loopback(s.Addr) {
		return fmt.Errorf("chaos/control: Server.Addr %q can be reached from other machines: "+
			"want a Token, or an address of this one such as 127.0.0.1:8474", s.Addr)
	}
	return nil
}

// init does once what the first use needs.
func (s *Server) init() {
	s.once.Do(func() {
		s.bad = s.Validate()
		s.ctx, s.cancel = context.WithCancel(context.Background())
		s.mux = s.routes()
		for _, p := range s.Proxies {
			if s.bad == nil {
				s.entries = append(s.entries, newEntry(p, false))
			}
		}
	})
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	if s.bad != nil {
		writeError(w, asError(s.bad))
		return
	}
	if err := s.guard(r); err != nil {
		writeError(w, err)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Start listens on Addr and answers requests until Shutdown or Close.
func (s *Server) Start() error {
	s.init()
	if s.bad != nil {
		return s.bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ln != nil {
		return errors.New("chaos/control: Start a second time, want a new Server")
	}
	ln, err := net.Listen("tcp", cmp.Or(s.Addr, "127.0.0.1:0"))
	if err != nil {
		return fmt.Errorf("chaos/control: %w", err)
	}
	s.ln = ln
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	go serve(s.http, ln)
	return nil
}

// serve answers requests until the server is closed.
func serve(server *http.Server, ln net.Listener) { server.Serve(ln) }

// URL is where the server listens: "http://127.0.0.1:8474". Empty before Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln == nil {
		return ""
	}
	return "http://" + s.ln.Addr().String()
}

// Shutdown ends the server: it stops listening, ends event streams and logs, waits for requests and, in
// the proxies that were created through the API, for connections, until the context ends; then it
// closes what is left, and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	var err error
	if s.http != nil {
		err = s.http.Shutdown(ctx)
	}
	var all sync.WaitGroup
	proxies := s.created()
	errs := make([]error, len(proxies))
	for i, p := range proxies {
		all.Go(func() { errs[i] = p.Shutdown(ctx) })
	}
	all.Wait()
	if err = errors.Join(append(errs, err)...); err != nil {
		s.Close()
	}
	return err
}

// Close ends the server, its requests, and the proxies that were created through the API, at once.
func (s *Server) Close() error {
	s.end()
	var err error
	if s.http != nil {
		err = s.http.Close()
	}
	for _, p := range s.created() {
		err = errors.Join(err, p.Close())
	}
	return err
}

// end lets nothing more begin.
func (s *Server) end() {
	s.init()
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
