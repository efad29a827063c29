package control

import (
	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// List are the proxies that the server controls now, those of Proxies first, and then others in the order
// in which they were created. They are safe to be asked; to end one, delete it through the API.
func (s *Server) List() []*chaos.Proxy {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*chaos.Proxy
	for _, e := range s.entries {
		all = append(all, e.proxy)
	}
	return all
}

// created are the proxies that end with the server.
func (s *Server) created() []*chaos.Proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*chaos.Proxy
	for _, e := range s.entries {
		if e.created {
			all = append(all, e.proxy)
		}
	}
	return all
}

// Notify passes a proxy's notice on to those who follow the events. It returns at once. Set it as the
// Notify of Proxies before they are started; created ones have it.
func (s *Server) Notify(n chaos.Notice) { s.events.publish(n) }

// tell is the Notify of created proxies.
func (s *Server) tell(n chaos.Notice) {
	s.events.publish(n)
	if s.Notice != nil {
		s.Notice(n)
	}
}

func (s *Server) behaviors() []chaos.Behavior {
	if s.Behaviors != nil {
		return s.Behaviors
	}
	return chaos.Behaviors()
}

func (s *Server) protocols() []wire.Protocol {
	if s.Protocols != nil {
		return s.Protocols
	}
	return wire.Protocols()
}
