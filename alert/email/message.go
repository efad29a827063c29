package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/heeler-go/heeler/alert"
)

// maxText bounds the plain text part.
const maxText = 1 << 20

// message makes the mail. Everything that goes into a header is one line: a
// title or a file name that a client chose cannot add another.
func (s Sink) message(a alert.Alert) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return nil, err
	}
	if err := msg.To(s.To...); err != nil {
		return nil, err
	}
	msg.Subject(strings.TrimSpace(alert.OneLine(s.SubjectPrefix, 80) + " " + a.Headline()))
	msg.SetDateWithValue(time.Now())
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office replies
	msg.SetGenHeader("References", thread(a))

	attached, left := s.choose(a.Files)
	text := cut(a.Report(), maxText)
	for _, f := range left {
		text += fmt.Sprintf("\nNot attached, too large: %s (%d bytes)\n", fileName(f), len(f.Data))
	}
	html, err := renderHTML(a, left)
	if err != nil {
		return nil, err
	}
	msg.SetBodyString(mail.TypeTextPlain, text)
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	for _, f := range attached {
		err := msg.AttachReader(fileName(f), bytes.NewReader(f.Data), mail.WithFileContentType(mail.ContentType(mediaType(f.Type))))
		if err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// thread is a message that was never sent, to which alike alerts all refer, so
// that mail programs show them as one conversation (RFC 5322 §3.6.4).
func thread(a alert.Alert) string {
	key := a.Key
	if key == "" {
		key = a.Title
	}
	sum := sha256.Sum256([]byte(key))
	return "<" + hex.EncodeToString(sum[:12]) + "@alert.heeler>"
}

// choose splits files into those that fit into one mail and those that do not.
func (s Sink) choose(files []alert.File) (fit, left []alert.File) {
	room := s.maxAttach()
	for _, f := range files {
		if size := int64(len(f.Data)); size <= room {
			room -= size
			fit = append(fit, f)
			continue
		}
		left = append(left, f)
	}
	return fit, left
}

// fileName is the file's base name on one line.
func fileName(f alert.File) string {
	name := f.Name[strings.LastIndexAny(f.Name, `/\`)+1:]
	name = alert.OneLine(name, 100)
	if name == "" || name == "." || name == ".." {
		return "attachment.bin"
	}
	return name
}

// mediaType is t without parameters, if it is one.
func mediaType(t string) string {
	parsed, _, err := mime.ParseMediaType(t)
	if err != nil || !strings.Contains(parsed, "/") {
		return "application/octet-stream"
	}
	return parsed
}

// cut bounds s to about limit bytes, at a line's end where there is one, and
// says so.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	s = strings.ToValidUTF8(s[:limit], "")
	if i := strings.LastIndexByte(s, '\n'); i > limit/2 {
		s = s[:i]
	}
	return s + "\n… (cut)\n"
}
