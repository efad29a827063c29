package main

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/heeler-go/heeler/chaos/control"
)

// load makes the proxies of a file of toxiproxy's.
func (h *herd) load(ctx context.Context, s *settings) error {
	data, err := readFile(s.toxiproxy)
	if err != nil {
		return err
	}
	for _, addr := range listens(data) {
		removeStale(addr)
	}
	err = h.server.Load(ctx, seeded(data, s.proxy.seed))
	var refused *control.Error
	if errors.As(err, &refused) && refused.Status < 500 {
		return misused("", "%s: %s", s.toxiproxy, plain(refused.Message))
	}
	if refused != nil {
		return errors.New(s.toxiproxy + ": " + plain(refused.Message))
	}
	return err
}

// listens are the addresses in a file.
func listens(data []byte) []string {
	var proxies []struct{ Listen string }
	if json.Unmarshal(data, &proxies) != nil {
		return nil
	}
	var all []string
	for _, p := range proxies {
		all = append(all, p.Listen)
	}
	return all
}

// seeded gives the seed to those proxies in a file that say none. What is no list of proxies stays as it
// is, for Load to complain of.
func seeded(data []byte, seed uint64) []byte {
	var proxies []map[string]json.RawMessage
	if seed == 0 || json.Unmarshal(data, &proxies) != nil {
		return data
	}
	for _, p := range proxies {
		if p != nil && p["seed"] == nil {
			p["seed"] = json.RawMessage(strconv.FormatUint(seed, 10))
		}
	}
	with, err := json.Marshal(proxies)
	if err != nil {
		return data
	}
	return with
}
