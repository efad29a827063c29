package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/chaos/control"
)

// url makes one of what --host and --http-port say.
func (r *remote) url() (string, error) {
	text := r.host
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return "", misused(ctlHelp, "--host is %q, want a host, host:port or http://host:port", shorten(withoutUser(r.host)))
	}
	if token, ok := u.User.Password(); ok {
		if r.said["token"] != "" && r.token != token {
			return "", misused(ctlHelp, "--host has a token and --token is another one, want one of them")
		}
		r.token = token
	}
	u.User = nil // no error is to show it
	port := strconv.Itoa(r.port)
	if own := u.Port(); own != "" {
		if r.said["http-port"] != "" && own != port {
			return "", misused(ctlHelp, "--host has the port %s and --http-port is %s, want one of them", own, port)
		}
		port = own
	}
	u.Host = net.JoinHostPort(u.Hostname(), port)
	return strings.TrimSuffix(u.String(), "/"), nil
}

// withoutUser takes away what may be a secret.
func withoutUser(url string) string {
	i, j := strings.Index(url, "://"), strings.LastIndex(url, "@")
	switch {
	case j < 0:
		return url
	case i >= 0 && i < j:
		return url[:i+len("://")] + "…" + url[j:]
	}
	return "…" + url[j:]
}

// explain makes an error one for people.
func (r *remote) explain(err error) error {
	var refused *control.Error
	var system *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused):
		return errors.New(plain(refused.Message))
	case errors.As(err, &system) && system.Op == "dial":
		return fmt.Errorf("nothing answers at %s (%v)\nstart a proxy with \"heeler chaos --http\", "+
			"or say where it is with --host and --http-port", r.client.URL, system.Err)
	}
	var usage *usageError
	if errors.As(err, &usage) {
		return err
	}
	return errors.New(plain(err.Error()))
}
