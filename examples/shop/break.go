package main

import (
	"net/http"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/chaos"
)

// A backendSwitch is one backend that a visitor can break.
type backendSwitch struct {
	Proxy    *chaos.Proxy
	ID, Name string
	Serves   string // what of the shop needs it
	Breaker  *breaker.Breaker
}

// Trouble is the one that the backend is in.
func (b *backendSwitch) Trouble() trouble {
	for _, f := range b.Proxy.Faults() {
		return trouble(f.Name)
	}
	return normal
}

// Choices are what the page offers.
func (*backendSwitch) Choices() []trouble { return choices }

// breakIt shows the switches, and what the guards have seen.
func (s *shop) breakIt(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "break", http.StatusOK, "Break it", struct {
		Switches []*backendSwitch
		Limit    time.Duration
		Seen     seen
	}{s.switches, s.box.Limit, s.seen()})
}

// live is the part of the page that changes by itself, for its script.
func (s *shop) live(w http.ResponseWriter, r *http.Request) error {
	return s.render(w, r, "live", http.StatusOK, "", s.seen())
}

// turn puts a fault on a backend.
func (s *shop) turn(w http.ResponseWriter, r *http.Request) error {
	for _, b := range s.switches {
		if b.ID != r.PathValue("backend") {
			continue
		}
		faults, err := trouble(r.PostFormValue("fault")).faults()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return nil
		}
		if err := b.Proxy.SetFaults(faults...); err != nil {
			return err
		}
		http.Redirect(w, r, "/break", http.StatusSeeOther)
		return nil
	}
	return errNoPage
}
