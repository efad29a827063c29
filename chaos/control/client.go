package control

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Client controls the proxies of a [Server]. It is safe for concurrent use. A refusal by the server is
// an *[Error], which has the status and the wrong field; [Client.With] may have joined it with others.
type Client struct {
	// URL is where the server is. Empty is http://127.0.0.1:8474; "host:port" will do.
	URL string

	// Token is the server's. Empty is none.
	Token string

	// HTTP makes the requests. Nil is http.DefaultClient, with 30 seconds for each but Events
	// and Conversation.
	HTTP *http.Client
}

// defaultURL is where a Client looks for the server if its URL is empty: toxiproxy's address.
const defaultURL = "http://127.0.0.1:8474"

// callTimeout is for a server that does not answer.
const callTimeout = 30 * time.Second

// proxyPath is the path of a proxy, or the root for the first.
func proxyPath(name string) string {
	if name == "" {
		return ""
	}
	return "/proxies/" + segment(name)
}

// segment is a name as a part of a path.
func segment(name string) string {
	if name == "." || name == ".." { // which url.PathEscape leaves as they are
		return strings.ReplaceAll(name, ".", "%2E")
	}
	return url.PathEscape(name)
}

// call makes a request and reads the answer into a value, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		return nil
	}
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("chaos/control: the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// send makes a request. Its answer is a good one; others are errors.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var data io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("chaos/control: %w", err)
		}
		data = bytes.NewReader(encoded)
	}
	root := strings.TrimSuffix(cmp.Or(c.URL, defaultURL), "/")
	if !strings.Contains(root, "://") {
		root = "http://" + root
	}
	req, err := http.NewRequestWithContext(ctx, method, root+path, data)
	if err != nil {
		// Neither the URL nor the error is told: both may have the token in them.
		return nil, errors.New("chaos/control: Client.URL is no URL, want http://host:port")
	}
	req.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	// A redirect would lead to something else than was asked for.
	client := *cmp.Or(c.HTTP, http.DefaultClient)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("chaos/control: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	return resp, nil
}

// readError makes an Error of an answer, whether it speaks like toxiproxy, like Vaurien, or neither.
func readError(resp *http.Response) *Error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var answer struct {
		Error
		Errors []vaurienError `json:"errors"`
	}
	json.Unmarshal(text, &answer)
	e := answer.Error
	if len(answer.Errors) > 0 {
		e.Message, e.Field = answer.Errors[0].Description, answer.Errors[0].Name
	}
	if e.Message == "" {
		e.Message = strings.TrimSpace(fmt.Sprintf("%s %.200s", http.StatusText(resp.StatusCode), text))
	}
	e.Status = resp.StatusCode
	return &e
}
