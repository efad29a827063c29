package main

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// A market has prices that move, as random walks do. All who watch share one copy of them, so that
// a watcher costs what its connection costs and nothing per price.
type market struct {
	mu      sync.Mutex
	quotes  []quote
	text    []byte        // the quotes as JSON
	changed chan struct{} // closed when there is a newer text
}

// A quote is what something costs now.
type quote struct {
	Name  string  `json:"name"`
	Price float64 `json:"price"`
	Since float64 `json:"since"` // the change since the market opened, in per cent

	opened float64
}

// newMarket opens a market.
func newMarket() *market {
	m := &market{changed: make(chan struct{})}
	for i, name := range []string{"Barley", "Butter", "Cattle", "Cider", "Flax", "Hay", "Honey", "Oats", "Rye", "Sheep", "Wheat", "Wool"} {
		price := 20 + 7*float64(i)
		m.quotes = append(m.quotes, quote{Name: name, Price: price, opened: price})
	}
	m.move()
	return m
}

// run moves the prices once per period until done is closed.
func (m *market) run(done <-chan struct{}, period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.move()
		case <-done:
			return
		}
	}
}

// move moves each price by a little and tells all who watch.
func (m *market) move() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.quotes {
		q := &m.quotes[i]
		q.Price = cents(q.Price * (1 + 0.01*(rand.Float64()-0.5)))
		q.Since = cents(100 * (q.Price/q.opened - 1))
	}
	text, err := json.Marshal(m.quotes)
	if err != nil {
		panic(err) // no quote is infinite
	}
	m.text = text
	close(m.changed)
	m.changed = make(chan struct{})
}

func cents(v float64) float64 { return math.Round(100*v) / 100 }

// prices are the prices now, as JSON, and a channel that is closed when there are newer ones. Who is
// slow misses some and gets the newest: nothing waits for it.
func (m *market) prices() (text []byte, changed <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text, m.changed
}
