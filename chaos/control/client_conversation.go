package control

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// Conversation writes down who says what at a proxy, as the server's [Log] does, until the context ends,
// the proxy or the server does, or the log's Max is reached; then it returns nil. An empty name is not
// accepted.
func (c *Client) Conversation(ctx context.Context, proxy string, l Log, w io.Writer) error {
	query := url.Values{}
	if l.Hex {
		query.Set("as", "hex")
	}
	if l.Max > 0 {
		query.Set("max", strconv.FormatInt(l.Max, 10))
	}
	if l.Piece > 0 {
		query.Set("piece", strconv.Itoa(l.Piece))
	}
	resp, err := c.send(ctx, http.MethodGet, proxyPath(proxy)+"/conversation?"+query.Encode(), nil)
	if err == nil {
		defer resp.Body.Close()
		_, err = io.Copy(w, resp.Body)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}
