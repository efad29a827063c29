package sentry

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
)

// Sentry cuts what is longer, or refuses it.
const (
	maxTagKey    = 32
	maxTagValue  = 200
	maxTags      = 50
	maxText      = 16 << 10
	maxFrames    = 200
	maxThreads   = 100
	maxBackends  = 20
	maxStatement = 400
	maxLine      = 2000 // that is searched for secrets
)

// event makes the whole event; no client adds to it.
func (s Sink) event(a alert.Alert) *sentry.Event {
	var secrets redact.List
	e := sentry.NewEvent()
	e.Level = sentry.LevelWarning
	e.Platform = "go"
	e.Logger = "heeler"
	e.Sdk = sentry.SdkInfo{Name: "sentry.go.heeler", Version: sentry.SDKVersion}
	e.Environment = s.Environment
	e.Release, e.Modules = build(s.Release)
	e.ServerName = s.ServerName
	if e.ServerName == "" {
		e.ServerName, _ = os.Hostname()
	}
	e.Timestamp = a.Time
	if e.Timestamp.IsZero() {
		e.Timestamp = time.Now()
	}
	e.EventID = eventID(a, e.ServerName)
	e.Message = a.Headline()
	e.Tags = tags(a, secrets)
	if a.Request != nil {
		e.Request = request(a.Request, secrets)
		e.Transaction = route(a)
	}
	e.Fingerprint = grouping(a)
	addStacks(e, a)
	left := s.addFiles(e, a)
	e.Contexts["alert"] = alertContext(a, left)
	if len(a.Backends) > 0 {
		e.Contexts["backends"] = backendsContext(a.Backends, secrets)
	}
	e.Contexts["runtime"] = sentry.Context{"name": "go", "version": runtime.Version()}
	e.Contexts["os"] = sentry.Context{"name": runtime.GOOS}
	if a.Text != "" {
		e.Contexts["report"] = sentry.Context{"text": strings.ToValidUTF8(a.Text[:min(len(a.Text), maxText)], "")}
	}
	return e
}

func alertContext(a alert.Alert, left []string) sentry.Context {
	c := sentry.Context{"count": max(a.Count, 1), "key": a.Key}
	if a.Request != nil {
		c["request_id"], c["request_start"] = a.Request.ID, a.Request.Start
	}
	if len(left) > 0 {
		c["files_left_out"] = left
	}
	return c
}

// build is the release, unless one is given, and the modules that the program
// is built of.
func build(release string) (string, map[string]string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return release, nil
	}
	modules := make(map[string]string, len(info.Deps))
	for _, m := range info.Deps {
		modules[m.Path] = m.Version
	}
	for _, setting := range info.Settings {
		if release == "" && setting.Key == "vcs.revision" {
			release = setting.Value
		}
	}
	return release, modules
}

// eventID is the same for the same alert: Sentry keeps one event of an ID, so
// that an event whose answer was lost may be sent again.
func eventID(a alert.Alert, server string) sentry.EventID {
	var id [16]byte
	if a.Time.IsZero() {
		_, _ = rand.Read(id[:]) // never fails
	} else {
		request := ""
		if a.Request != nil {
			request = a.Request.ID
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%q\n%q\n%q\n%d",
			server, os.Getpid(), a.Time.UnixNano(), a.Key, a.Title, request, a.Count))
		copy(id[:], sum[:])
	}
	return sentry.EventID(hex.EncodeToString(id[:]))
}

// kind splits a title such as "slow: GET /" into what it is and the rest.
func kind(a alert.Alert) (kind, rest string) {
	headline := a.Headline()
	kind, rest, found := strings.Cut(headline, ": ")
	if !found || len(kind) > 40 {
		return "alert", headline
	}
	return kind, rest
}

func route(a alert.Alert) string {
	switch {
	case a.Request != nil && a.Request.Route != "":
		return a.Request.Route
	case a.Tags["route"] != "":
		return a.Tags["route"]
	case a.Request != nil:
		return a.Request.Method // a path has IDs in it
	}
	return ""
}

// grouping makes alerts of one kind, route and place one issue. Line
// numbers are not in it, so that an edit elsewhere in a file leaves the issue
// what it is.
func grouping(a alert.Alert) []string {
	kind, _ := kind(a)
	print := []string{"heeler", kind, route(a)}
	if len(a.Stacks) == 0 || len(a.Stacks[0].Frames) == 0 {
		if a.Key != "" {
			return append(print, a.Key)
		}
		return append(print, a.Title)
	}
	frames := a.Stacks[0].Frames
	for _, f := range frames[:min(len(frames), maxFrames)] {
		if f.App {
			print = append(print, f.Func)
		}
	}
	if len(print) == 3 {
		print = append(print, frames[0].Func)
	}
	return print
}

func tags(a alert.Alert, secrets redact.List) map[string]string {
	out := make(map[string]string, len(a.Tags))
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		if len(out) == maxTags {
			break
		}
		if name := tagKey(k); name != "" && a.Tags[k] != "" {
			out[name] = alert.OneLine(secrets.Header(k, a.Tags[k]), maxTagValue)
		}
	}
	return out
}

// tagKey is k with what Sentry does not accept in a tag's name made "_".
func tagKey(k string) string {
	k = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_.:-", r):
			return r
		}
		return '_'
	}, k)
	return k[:min(len(k), maxTagKey)]
}

// request has no cookies, no environment and no body, and is redacted once
// more, whoever made the alert.
func request(r *alert.Request, secrets redact.List) *sentry.Request {
	uri := secrets.URI(r.URI)
	path, query, _ := strings.Cut(uri, "?")
	out := &sentry.Request{Method: alert.OneLine(r.Method, 40), URL: path, QueryString: query, Headers: make(map[string]string)}
	scheme := "http"
	for name, value := range r.Header {
		switch strings.ToLower(name) {
		case "cookie", "set-cookie":
			continue
		case "x-forwarded-proto":
			if strings.EqualFold(value, "https") {
				scheme = "https"
			}
		}
		out.Headers[alert.OneLine(name, 100)] = secrets.Header(name, value)
	}
	if host := alert.OneLine(r.Host, 255); strings.HasPrefix(path, "/") && host != "" {
		out.URL = scheme + "://" + host + path
	}
	return out
}

// addFiles attaches the text and what fits of the files, and names the rest.
func (s Sink) addFiles(e *sentry.Event, a alert.Alert) (left []string) {
	if a.Text != "" {
		e.Attachments = append(e.Attachments, &sentry.Attachment{Filename: "report.txt", ContentType: "text/plain", Payload: []byte(a.Report())})
	}
	room := s.maxAttach()
	for _, f := range a.Files {
		name := alert.OneLine(f.Name[strings.LastIndexAny(f.Name, `/\`)+1:], 100)
		if size := int64(len(f.Data)); size > room {
			left = append(left, fmt.Sprintf("%s (%d bytes)", name, size))
			continue
		}
		room -= int64(len(f.Data))
		e.Attachments = append(e.Attachments, &sentry.Attachment{Filename: name, ContentType: f.Type, Payload: f.Data})
	}
	return left
}
