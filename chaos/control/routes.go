package control

import "net/http"

// routes are all paths.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, refusal(http.StatusNotFound, "", "there is nothing at %q", r.URL.Path))
	})
	s.toxiproxyRoutes(mux)
	s.vaurienRoutes(mux)
	mux.Handle("/events", methods{"GET": s.serveEvents})
	mux.Handle("/proxies/{proxy}/conversation", methods{"GET": s.serveConversation})
	return mux
}

func (s *Server) toxiproxyRoutes(mux *http.ServeMux) {
	update, updateToxic := plain(s.updateProxy), plain(s.about(s.updateToxic))
	mux.Handle("/version", methods{"GET": plain(s.version)})
	mux.Handle("/metrics", methods{"GET": s.metrics})
	mux.Handle("/reset", methods{"POST": plain(s.reset)})
	mux.Handle("/populate", methods{"POST": s.populate})
	mux.Handle("/proxies", methods{"GET": plain(s.listProxies), "POST": plain(s.createProxy)})
	mux.Handle("/proxies/{proxy}", methods{
		"GET": plain(s.about(s.showProxy)), "DELETE": plain(s.about(s.deleteProxy)), "POST": update, "PATCH": update,
	})
	mux.Handle("/proxies/{proxy}/toxics", methods{
		"GET": plain(s.about(s.listToxics)), "POST": plain(s.about(s.addToxic)), "PUT": plain(s.about(s.setToxics)),
	})
	mux.Handle("/proxies/{proxy}/toxics/{toxic}", methods{
		"GET": plain(s.about(s.showToxic)), "DELETE": plain(s.about(s.deleteToxic)),
		"POST": updateToxic, "PATCH": updateToxic,
	})
}

// vaurienRoutes are about the first proxy or, below the path of one, about that.
func (s *Server) vaurienRoutes(mux *http.ServeMux) {
	for _, prefix := range []string{"", "/proxies/{proxy}"} {
		mux.Handle(prefix+"/behaviors", methods{"GET": vaurien(s.listBehaviors)})
		mux.Handle(prefix+"/behavior", methods{
			"GET": vaurien(s.about(s.showBehavior)), "PUT": vaurien(s.about(s.setBehavior)),
		})
		mux.Handle(prefix+"/backend", methods{
			"GET": vaurien(s.about(s.showBackend)), "PUT": vaurien(s.about(s.setBackend)),
		})
	}
}

// An action answers what is asked about one proxy. Nothing else changes meanwhile.
type action func(e *entry, r *http.Request, body []byte) (status int, answer any, err error)

// about makes an endpoint of an action. The body is read before anybody else is kept waiting.
func (s *Server) about(do action) endpoint {
	return func(r *http.Request) (int, any, error) {
		body, err := readBody(r)
		if err != nil {
			return 0, nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		e, err := s.addressed(r)
		if err != nil {
			return 0, nil, err
		}
		return do(e, r, body)
	}
}

// addressed finds the proxy of the path or, where that names none, the first. The lock is held.
func (s *Server) addressed(r *http.Request) (*entry, error) {
	switch name := r.PathValue("proxy"); {
	case name != "":
		return s.find(name)
	case len(s.entries) == 0:
		return nil, refusal(http.StatusNotFound, "", "there is no proxy yet")
	}
	return s.entries[0], nil
}
