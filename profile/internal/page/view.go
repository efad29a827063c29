package page

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/profile/internal/graph"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// servePage answers with the page of a result, as far as it is.
func servePage(w http.ResponseWriter, r *http.Request, res *result.Result, o Options) {
	switch res.State {
	case result.Done:
		serveDone(w, r, res, o)
	case result.Waits, result.Runs, result.Reads:
		p := pending(res, time.Now())
		render(w, r, "pending", http.StatusOK, p.Title, p.Refresh, p)
	case result.Failed:
		a := apology{Title: "There is no profile of this request", Text: request(res), More: res.Problems}
		render(w, r, "sorry", http.StatusOK, a.Title, 0, a)
	default:
		NotFound(w, r)
	}
}

// request names the request of a result.
func request(res *result.Result) string { return clip(res.Method+" "+res.URI, 2000) }

// A progress is what the page of a result shows that is not done yet.
type progress struct {
	Title   string
	Request string
	Turn    string
	Steps   []step
	Since   string
	Refresh int // seconds until the page looks again
}

// A step is one of those to a profile.
type step struct{ Words, Class string }

// pending describes a result that is not done yet. The longer it takes, the less often its page looks.
func pending(res *result.Result, now time.Time) progress {
	p := progress{Title: "Profiling " + request(res), Request: request(res), Refresh: 1}
	if age := now.Sub(res.Asked); !res.Asked.IsZero() && age >= 0 {
		p.Since = span(age.Round(100 * time.Millisecond))
		p.Refresh = min(max(int(age.Seconds())/10, 1), 5)
	}
	class := "past"
	for _, s := range []struct {
		state result.State
		words string
	}{
		{result.Waits, "waits for its turn"},
		{result.Runs, "the request is being served"},
		{result.Reads, "the trace is being read"},
	} {
		if s.state == res.State {
			p.Steps = append(p.Steps, step{s.words, "now"})
			class = "ahead"
			continue
		}
		p.Steps = append(p.Steps, step{s.words, class})
	}
	if res.State == result.Waits {
		p.Turn = clip(res.Turn, 500)
	}
	return p
}

// A view is what the page of a result shows.
type view struct {
	*result.Result
	Request  string
	Share    string
	Status   string // of the last run: "200 OK"
	Class    string // of the status
	Shares   []share
	Runs     runs
	Timeline *timeline
	By       string // the sample type that is counted; "" if there is no profile
	Unit     string // that it is counted in
	Choices  []choice
	Flames   *flameGraph
	Top      []function
	TopMore  int
	// Allocated is how many bytes; "" if that was not asked for.
	Allocated string
	Backends  []backend
	Pauses    []pauses
	Problems  []string
	Answer    *answer
	Files     []file
	Viz       string // where the program is that draws call graphs
}

// A share is a row of the table of what took how long.
type share struct {
	kind
	What, Where, Percent, Time string
	Times                      int
	X, Width                   float64 // in the stacked bar, percent
}

// serveDone answers with the page of a result that is done.
func serveDone(w http.ResponseWriter, r *http.Request, res *result.Result, o Options) {
	v := view{Result: res, Request: request(res), Share: o.Share, Viz: assetPath("viz.js")}
	err := v.count(r.Context(), r.URL.Query().Get("by"))
	if notCounted(w, r, err) {
		return
	}
	v.Shares = shares(res)
	v.Runs = describeRuns(res.Runs)
	v.Timeline = drawTimeline(res)
	v.Backends = backends(res.Backends, len(res.Runs))
	v.Pauses = describePauses(res.Pauses)
	v.Problems = problems(res)
	if err != nil {
		v.Problems = append(v.Problems, err.Error())
	}
	v.Answer = describe(res.Response)
	v.Files = downloads(res, v.By, graph.Available())
	if len(res.Runs) > 0 {
		last := res.Runs[len(res.Runs)-1].Status
		v.Status, v.Class = strings.TrimSpace(fmt.Sprint(last, " ", http.StatusText(last))), statusClass(last)
	}
	render(w, r, "result", http.StatusOK, span(res.Took)+" · "+clip(v.Request, 80), 0, v)
}

// count fills what is made from the profile, counted by a sample type.
func (v *view) count(ctx context.Context, by string) error {
	release, err := begin(ctx)
	if err != nil {
		return err
	}
	defer release()
	c, err := read(v.Result, by)
	if err != nil {
		return err
	}
	v.By, v.Unit, v.Choices = c.by(), c.unit, c.choices
	v.Flames = c.drawFlames()
	v.Top, v.TopMore = c.top()
	for _, choice := range c.choices {
		if choice.Type == "alloc_space" {
			v.Allocated = choice.Total
		}
	}
	return nil
}

// statusClass is the class of a status in the style sheet.
func statusClass(status int) string {
	switch {
	case status >= 500:
		return "bad"
	case status >= 400:
		return "warn"
	default:
		return "good"
	}
}

// shares lays out the stacked bar and its table.
func shares(res *result.Result) []share {
	var sum time.Duration
	for _, s := range res.Shares {
		sum += max(s.Time, 0)
	}
	total := max(res.Took, sum) // runs that overlap may have more
	var all []share
	x := 0.0
	for _, s := range res.Shares {
		row := share{kind: kindOf(s.State), What: s.What, Where: s.Where, Percent: percent(s.Time, total), Time: span(s.Time), Times: s.Times}
		if total > 0 {
			row.X, row.Width = x, 100*float64(max(s.Time, 0))/float64(total)
		}
		x += row.Width
		all = append(all, row)
	}
	return all
}

// A runs describes the times that the request was served.
type runs struct {
	Count               int
	Least, Median, Most time.Duration
	Bytes               string   // of the last body
	Statuses            []string // with how often each, if they differ
}

// describeRuns says how the runs differ.
func describeRuns(all []result.Run) runs {
	d := runs{Count: len(all)}
	if len(all) == 0 {
		return d
	}
	d.Bytes = size(all[len(all)-1].Bytes)
	took := make([]time.Duration, len(all))
	statuses := make(map[int]int)
	for i, run := range all {
		took[i] = run.Took
		statuses[run.Status]++
	}
	slices.Sort(took)
	d.Least, d.Median, d.Most = took[0], took[len(took)/2], took[len(took)-1]
	if len(statuses) > 1 {
		for status, n := range statuses {
			d.Statuses = append(d.Statuses, fmt.Sprintf("%d × %d", n, status))
		}
		slices.Sort(d.Statuses)
	}
	return d
}
