package control

import (
	"context"
	"maps"
	"net/http"

	"github.com/heeler-go/heeler/chaos"
)

// A Proxy is a proxy as JSON has it: as toxiproxy's, and what it speaks, and its seed.
type Proxy struct {
	Name     string  `json:"name"`               // must not be empty
	Listen   string  `json:"listen"`             // where its clients connect; to Create, empty is a free port
	Upstream string  `json:"upstream"`           // its backend
	Enabled  bool    `json:"enabled"`            // it listens; Create does not look at it
	Protocol string  `json:"protocol,omitempty"` // what it speaks, "mysql"; to Create, empty is tcp
	Seed     uint64  `json:"seed,omitempty"`     // to Create, zero chooses one
	Toxics   []Toxic `json:"toxics"`             // its faults
}

// Proxies are all that the server has, by their names.
func (c *Client) Proxies(ctx context.Context) (map[string]Proxy, error) {
	var all map[string]Proxy
	err := c.call(ctx, http.MethodGet, "/proxies", nil, &all)
	return all, err
}

// Proxy is one of them.
func (c *Client) Proxy(ctx context.Context, name string) (Proxy, error) {
	var p Proxy
	err := c.call(ctx, http.MethodGet, proxyPath(name), nil, &p)
	return p, err
}

// Create makes a proxy that listens once it has these faults and those of its Toxics, and gives it as
// it is then.
func (c *Client) Create(ctx context.Context, p Proxy, faults ...chaos.Fault) (Proxy, error) {
	p.Enabled = true
	p.Toxics = append(p.Toxics[:len(p.Toxics):len(p.Toxics)], toxicsOf(faults)...)
	var made Proxy
	err := c.call(ctx, http.MethodPost, "/proxies", p, &made)
	return made, err
}

// Enable makes a proxy listen, or not: then its connections are cut off and new ones refused, as if the
// backend were not running.
func (c *Client) Enable(ctx context.Context, name string, on bool) error {
	return c.call(ctx, http.MethodPost, proxyPath(name), map[string]bool{"enabled": on}, nil)
}

// Delete ends a proxy.
func (c *Client) Delete(ctx context.Context, name string) error {
	return c.call(ctx, http.MethodDelete, proxyPath(name), nil, nil)
}

// Reset makes all proxies listen, without any fault.
func (c *Client) Reset(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "/reset", nil, nil)
}

// Behaviors are the names of those that Vaurien had.
func (c *Client) Behaviors(ctx context.Context) ([]string, error) {
	var answer struct{ Behaviors []string }
	err := c.call(ctx, http.MethodGet, "/behaviors", nil, &answer)
	return answer.Behaviors, err
}

// Behavior is what a proxy does: "dummy", "delay", "20:delay,5:error". An empty name is the first proxy.
func (c *Client) Behavior(ctx context.Context, proxy string) (string, error) {
	var answer struct{ Behavior string }
	err := c.call(ctx, http.MethodGet, proxyPath(proxy)+"/behavior", nil, &answer)
	return answer.Behavior, err
}

// SetBehavior makes a behavior all that the proxy does. The options are its attributes; those that are
// missing are what they were when it was last set. An empty name is the first proxy.
func (c *Client) SetBehavior(ctx context.Context, proxy, behavior string, options map[string]any) error {
	body := map[string]any{}
	maps.Copy(body, options)
	body["name"] = behavior
	return c.call(ctx, http.MethodPut, proxyPath(proxy)+"/behavior", body, nil)
}

// Backend is where a proxy connects. An empty name is the first proxy.
func (c *Client) Backend(ctx context.Context, proxy string) (string, error) {
	var answer struct{ Backend string }
	err := c.call(ctx, http.MethodGet, proxyPath(proxy)+"/backend", nil, &answer)
	return answer.Backend, err
}

// SetBackend makes a proxy's new connections go elsewhere. An empty name is the first proxy.
func (c *Client) SetBackend(ctx context.Context, proxy, backend string) error {
	return c.call(ctx, http.MethodPut, proxyPath(proxy)+"/backend", map[string]string{"backend": backend}, nil)
}
