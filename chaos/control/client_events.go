package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/heeler-go/heeler/chaos"
)

// An Event is something that has happened at a proxy or, with Dropped, that so many events were missed
// before this one.
type Event struct {
	chaos.Notice
	Dropped uint64
}

// mostLine bounds a line of an event stream, in bytes.
const mostLine = 1 << 20

// Events are what happens at a proxy, or at all for an empty name, from now on until the context ends,
// the server does, or the loop is left:
//
//	for event, err := range client.Events(ctx, "mysql") {
//		if err != nil { … } // the last one
//	}
//
// The end of the context is no error, and neither is the server's Shutdown. The first event has the Kind
// Following: what happens after it will be told.
func (c *Client) Events(ctx context.Context, proxy string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		path := "/events"
		if proxy != "" {
			path += "?proxy=" + url.QueryEscape(proxy)
		}
		resp, err := c.send(ctx, http.MethodGet, path, nil)
		if err == nil {
			defer resp.Body.Close()
			if !yield(Event{Notice: chaos.Notice{Kind: Following}}, nil) {
				return
			}
			err = readEvents(bufio.NewScanner(resp.Body), yield)
		}
		if err != nil && ctx.Err() == nil {
			yield(Event{}, err)
		}
	}
}

// Following is the kind of the first of the client's Events.
const Following chaos.NoticeKind = "following"

// readEvents reads a stream of events, which may end anywhere.
func readEvents(lines *bufio.Scanner, yield func(Event, error) bool) error {
	lines.Buffer(nil, mostLine)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e struct {
			eventJSON
			Dropped uint64 `json:"dropped"`
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return fmt.Errorf("chaos/control: an event that is no JSON: %w", err)
		}
		if !yield(Event{chaos.Notice(e.eventJSON), e.Dropped}, nil) {
			return nil
		}
	}
	return lines.Err()
}
