package control

import (
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
)

// ToxiproxyVersion is the version of toxiproxy whose API the server speaks.
const ToxiproxyVersion = "2.12.0"

// routes are all paths. Where toxiproxy and Vaurien have an API, it is theirs.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, refusal(http.StatusNotFound, "", "there is nothing at %q", r.URL.Path))
	})

	mux.Handle("/version", methods{"GET": plain(s.version)})
	mux.Handle("/metrics", methods{"GET": s.metrics})
	mux.Handle("/reset", methods{"POST": plain(s.reset)})
	mux.Handle("/populate", methods{"POST": s.populate})
	mux.Handle("/proxies", methods{"GET": plain(s.listProxies), "POST": plain(s.createProxy)})
	mux.Handle("/proxies/{proxy}", methods{
		"GET": plain(s.showProxy), "DELETE": plain(s.deleteProxy),
		"POST": plain(s.updateProxy), "PATCH": plain(s.updateProxy),
	})
	mux.Handle("/proxies/{proxy}/toxics", methods{
		"GET": plain(s.listToxics), "POST": plain(s.addToxic), "PUT": plain(s.setToxics),
	})
	mux.Handle("/proxies/{proxy}/toxics/{toxic}", methods{
		"GET": plain(s.showToxic), "DELETE": plain(s.deleteToxic),
		"POST": plain(s.updateToxic), "PATCH": plain(s.updateToxic),
	})

	for _, prefix := range []string{"", "/proxies/{proxy}"} {
		mux.Handle(prefix+"/behaviors", methods{"GET": vaurien(s.listBehaviors)})
		mux.Handle(prefix+"/behavior", methods{"GET": vaurien(s.showBehavior), "PUT": vaurien(s.setBehavior)})
		mux.Handle(prefix+"/backend", methods{"GET": vaurien(s.showBackend), "PUT": vaurien(s.setBackend)})
	}

	mux.Handle("/events", methods{"GET": s.serveEvents})
	mux.Handle("/proxies/{proxy}/conversation", methods{"GET": s.serveConversation})
	return mux
}

func (s *Server) version(*http.Request) (int, any, error) {
	ours := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		ours = info.Main.Version
		for _, dep := range info.Deps {
			if dep.Path == "github.com/heeler-go/heeler" {
				ours = dep.Version
			}
		}
	}
	return http.StatusOK, map[string]string{"version": ToxiproxyVersion, "heeler": ours}, nil
}

// named finds the proxy of the path. The lock is held.
func (s *Server) named(r *http.Request) (*entry, error) { return s.find(r.PathValue("proxy")) }

func (s *Server) listProxies(*http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Proxy{}
	for _, e := range s.entries {
		all[e.proxy.Name] = e.json()
	}
	return http.StatusOK, all, nil
}

func (s *Server) showProxy(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, e.json(), nil
}

// createProxy makes a proxy, which listens only once all its faults are set.
func (s *Server) createProxy(r *http.Request) (int, any, error) {
	var w wish
	if err := readJSON(r, &w); err != nil {
		return 0, nil, err
	}
	if err := w.check(r.Context(), ""); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(w.Name); err == nil {
		return 0, nil, exists("proxy")
	}
	e, err := s.build(w)
	if err != nil {
		return 0, nil, err
	}
	if err := s.enable(e, w.on()); err != nil {
		return 0, nil, err
	}
	s.entries = append(s.entries, e)
	return http.StatusCreated, e.json(), nil
}

// updateProxy changes where a proxy is, and whether it listens. It takes no toxics: toxiproxy's clients
// send those that they knew of when they last asked.
func (s *Server) updateProxy(r *http.Request) (int, any, error) {
	var w wish
	if err := readJSON(r, &w); err != nil {
		return 0, nil, err
	}
	if err := resolves(r.Context(), w.Listen); err != nil {
		return 0, nil, refusal(http.StatusBadRequest, "listen", "listen is %q: %v", w.Listen, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	if w.Upstream == "" {
		w.Upstream = e.upstream
	}
	if w.Enabled == nil {
		on := e.proxy.Running()
		w.Enabled = &on
	}
	if elsewhere(e.proxy, w.Listen) || w.Upstream != e.upstream {
		err = s.move(e, w.Listen, w.Upstream, w.on())
	} else {
		err = s.enable(e, w.on())
	}
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, e.json(), nil
}

func (s *Server) deleteProxy(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	if err := e.proxy.Close(); err != nil {
		return 0, nil, err
	}
	s.entries = slices.DeleteFunc(s.entries, func(other *entry) bool { return other == e })
	return http.StatusNoContent, nil, nil
}

// reset makes all proxies listen, without any fault. One that cannot does not keep the others from it.
func (s *Server) reset(*http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, e := range s.entries {
		err = errors.Join(err, e.proxy.SetFaults(), s.enable(e, true))
	}
	return http.StatusNoContent, nil, err
}
