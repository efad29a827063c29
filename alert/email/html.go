package email

import (
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// Gmail cuts a mail off at 102 KB of HTML, so the HTML part leaves out what
// would push the rest beyond it; the plain text part has all of it. The stacks
// get maxCalls bytes, of which a call takes its texts and its styles.
const (
	maxCalls    = 60 << 10
	appCall     = 1100
	libCall     = 350
	maxPre      = 20 << 10
	maxFact     = 600
	maxHTMLLine = 300
	maxLead     = 2000
	maxBackends = 10 << 10
	backendLine = 450 // of styles, beside its text
)

//go:embed mail.html
var source string

// Programs that drop <style> (Gmail with a foreign account, some of Outlook)
// see these; the classes in mail.html only repaint them for the dark.
var styles = map[string]template.CSS{
	"body":  "margin:0;padding:0;background:#ffffff;color:#1c1917;",
	"page":  "max-width:760px;margin:0 auto;padding:20px 16px 32px;font:15px/1.45 -apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;",
	"quiet": "color:#57534e;font-size:13px;line-height:1.4;",
	"title": "margin:4px 0 14px;font-size:20px;line-height:1.3;font-weight:650;overflow-wrap:anywhere;",
	"badge": "display:inline-block;padding:1px 8px;border-radius:10px;background:#b45309;color:#ffffff;font-size:12px;font-weight:600;",
	"lead":  "margin:-6px 0 16px;font-size:15px;line-height:1.45;white-space:pre-wrap;overflow-wrap:anywhere;",
	"card":  "margin:0 0 18px;padding:12px 14px;border-radius:8px;background:#fff7ed;border-left:4px solid #c2410c;",
	"label": "margin:0 0 4px;font-size:12px;font-weight:600;color:#9a3412;",
	"head":  "margin:24px 0 2px;font-size:15px;line-height:1.35;font-weight:650;",
	"facts": "width:100%;table-layout:fixed;border-collapse:collapse;font-size:13px;line-height:1.4;",
	"name":  "width:88px;padding:4px 12px 4px 0;vertical-align:top;color:#57534e;overflow-wrap:anywhere;",
	"value": "padding:4px 0;vertical-align:top;overflow-wrap:anywhere;word-break:break-word;",
	"calls": "margin:8px 0 2px;font-size:14px;line-height:1.4;font-weight:600;overflow-wrap:anywhere;",
	"app":   "margin:6px 0;padding:8px 10px;border-radius:6px;background:#fff7ed;border-left:3px solid #c2410c;",
	"lib":   "margin:0;padding:2px 10px 2px 13px;font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:#57534e;overflow-wrap:anywhere;",
	"func":  "font:14px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-weight:650;overflow-wrap:anywhere;",
	"path":  "font:12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:#57534e;overflow-wrap:anywhere;",
	"base":  "display:inline-block;font-weight:600;",
	"code":  "margin:6px 0 0;padding:6px 8px;border-radius:4px;background:#ffffff;font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;",
	"pre":   "margin:8px 0 0;padding:12px;border-radius:8px;background:#f5f5f4;font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere;",
}

var page = template.Must(template.New("mail").Funcs(template.FuncMap{
	"css": func(name string) template.CSS { return styles[name] },
}).Parse(source))

// A view is what the template shows.
type view struct {
	Title, Seen string
	Count       int
	Lead        string // the summary
	Where       *frame // the innermost call of the application's own code
	State       string
	Facts       []fact
	Backends    []backend
	MoreCalls   int // backends left out
	Stacks      []stack
	More        int // stacks left out
	Text        string
	Left        []fact // files left out
}

type fact struct{ Name, Value string }

// A backend is shown as its counts, the calls in progress and the statements.
type backend struct {
	Summary string
	Lines   []string
	More    int // lines left out
}

type stack struct {
	Name, State string
	Count       int
	Frames      []frame
	More        int // frames left out
}

// A frame is a call as it is shown: an application's by its short name and
// whole path, a library's by its whole name and short path.
type frame struct {
	App       bool
	Func      string
	Dir, Base string
	Source    string
}

func renderHTML(a alert.Alert, left []alert.File) (string, error) {
	v := view{Title: alert.OneLine(a.Title, maxHTMLLine), Count: a.Count, Lead: lead(a.Text), Facts: facts(a)}
	if strings.TrimSpace(a.Text) != v.Lead {
		v.Text = cut(a.Text, maxPre)
	}
	if v.Title == "" {
		v.Title = a.Headline()
	}
	if !a.Time.IsZero() {
		v.Seen = a.Time.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	v.Backends, v.MoreCalls = viewBackends(a.Backends)
	room := maxCalls
	for i, s := range a.Stacks {
		if room < appCall {
			v.More = len(a.Stacks) - i
			break
		}
		v.Stacks = append(v.Stacks, viewStack(s, &room))
	}
	if len(v.Stacks) > 0 {
		v.State = v.Stacks[0].State
		if i := slices.IndexFunc(v.Stacks[0].Frames, func(f frame) bool { return f.App }); i >= 0 {
			v.Where = &v.Stacks[0].Frames[i]
		}
	}
	for _, f := range left {
		v.Left = append(v.Left, fact{fileName(f), fmt.Sprintf("%d bytes", len(f.Data))})
	}
	var b strings.Builder
	err := page.Execute(&b, v)
	return b.String(), err
}

// facts are the request's and the tags, without saying one thing twice.
func facts(a alert.Alert) (out []fact) {
	said := make(map[string]bool)
	add := func(name, value string) {
		if value == "" || said[value] {
			return
		}
		said[value] = true
		out = append(out, fact{alert.OneLine(name, 30), alert.OneLine(value, maxFact)})
	}
	if r := a.Request; r != nil {
		add("request", strings.TrimSpace(r.Method+" "+r.URI))
		add("route", r.Route)
		add("host", r.Host)
		add("from", r.RemoteAddr)
		if !r.Start.IsZero() {
			add("started", r.Start.UTC().Format("15:04:05.000")+" UTC"+after(r.Start, a.Time))
		}
		add("id", r.ID)
	}
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		add(k, a.Tags[k])
	}
	if r := a.Request; r != nil {
		for _, k := range slices.Sorted(maps.Keys(r.Header)) {
			add(k, r.Header[k])
		}
	}
	return out
}

func after(start, seen time.Time) string {
	if d := seen.Sub(start); d > 0 && !seen.IsZero() {
		return fmt.Sprintf(", %v before", d.Round(10*time.Millisecond))
	}
	return ""
}

// viewBackends shows as much of the backends as there is room for.
func viewBackends(backends []alert.Backend) (list []backend, more int) {
	room := maxBackends
	for i, b := range backends {
		v := backend{Summary: b.Summary(), More: b.More}
		if room -= backendLine + len(v.Summary); room < 0 {
			return list, len(backends) - i
		}
		add := func(line string) {
			if line = alert.OneLine(line, maxHTMLLine); room < backendLine+len(line) {
				v.More++
				return
			}
			room -= backendLine + len(line)
			v.Lines = append(v.Lines, line)
		}
		for _, c := range b.Running {
			add("now " + c.String())
		}
		if b.MoreRunning != 0 {
			add(fmt.Sprintf("and %d more now", b.MoreRunning))
		}
		for _, s := range b.Statements {
			add(s.String())
		}
		list = append(list, v)
	}
	return list, 0
}

// viewStack shows as many of s's calls as there is room for.
func viewStack(s alert.Stack, room *int) stack {
	v := stack{Name: alert.OneLine(s.Name, maxHTMLLine), State: alert.OneLine(s.State, maxHTMLLine), Count: s.Count}
	*room -= libCall
	for i, f := range s.Frames {
		size := libCall + len(f.Func)
		if f.App {
			size = appCall + len(f.Func) + len(f.File) + min(len(f.Source), maxHTMLLine)
		}
		if size > *room {
			v.More = len(s.Frames) - i
			break
		}
		*room -= size
		v.Frames = append(v.Frames, viewFrame(f))
	}
	return v
}

func viewFrame(f alert.Frame) frame {
	v := frame{App: f.App, Func: f.Func, Source: alert.OneLine(f.Source, maxHTMLLine)}
	i := strings.LastIndexByte(f.File, '/') + 1
	if f.File != "" {
		v.Base = fmt.Sprintf("%s:%d", f.File[i:], f.Line)
	}
	if f.App {
		v.Func, v.Dir = f.Name(), f.File[:i]
	}
	return v
}

// lead is the first paragraph of a text, if it is short enough to stand below
// the title.
func lead(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	if len(first) > maxLead {
		return ""
	}
	return first
}
