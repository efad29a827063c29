package summary

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// maxShares is how many shares are told apart. There may be as many as functions that wait.
const maxShares = 100

// A group is the steps that make a share.
type group struct {
	share result.Share
	parts map[part]time.Duration
	until time.Duration // when its last step ended
	call  *exectrace.Call
}

// A part of a group is what is the same place and state in it: the one with most time stands for the group.
type part struct{ where, state string }

// shares groups the steps of a path that takes so long, the largest share first. Together they take just as
// long: what the path may lack is a share, too.
func (t *teller) shares(path []exectrace.Step, took time.Duration) []result.Share {
	groups := map[string]*group{}
	rest := took
	for _, s := range path {
		what := t.share(s)
		g := groups[what]
		if g == nil {
			g = &group{share: result.Share{What: what}, parts: map[part]time.Duration{}, until: -1}
			groups[what] = g
		}
		g.add(s, t.place(s.Stack).where)
		rest -= s.Length()
	}
	list := make([]result.Share, 0, len(groups)+1)
	for _, g := range groups {
		if g.share.Time > 0 {
			list = append(list, g.named())
		}
	}
	if rest > 0 {
		list = append(list, result.Share{What: "not known", State: exectrace.Waiting.String(), Time: rest, Times: 1})
	}
	slices.SortFunc(list, func(a, b result.Share) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.What, b.What))
	})
	return folded(list)
}

func (g *group) add(s exectrace.Step, where string) {
	// What is interrupted for a moment, as by the scheduler, within one call to a backend is still the same.
	// So is a time on a processor that samples cut in pieces.
	if s.Call == nil && s.From != g.until || s.Call != nil && s.Call != g.call || g.share.Times == 0 {
		g.share.Times++
	}
	g.until, g.call = s.To, s.Call
	g.share.Time += s.Length()
	g.parts[part{where, s.State.String()}] += s.Length()
}

// named is the share, at the place where most of it was spent.
func (g *group) named() result.Share {
	var most part
	best := time.Duration(-1)
	for p, d := range g.parts {
		if d > best || d == best && cmp.Or(cmp.Compare(p.where, most.where), cmp.Compare(p.state, most.state)) < 0 {
			most, best = p, d
		}
	}
	g.share.Where, g.share.State = most.where, most.state
	return g.share
}

// folded makes one share of those that are too many.
func folded(list []result.Share) []result.Share {
	if len(list) <= maxShares {
		return list
	}
	more := list[maxShares-1:]
	rest := result.Share{What: fmt.Sprintf("%d other things", len(more)), State: exectrace.Waiting.String()}
	for _, s := range more {
		rest.Time += s.Time
		rest.Times += s.Times
	}
	return append(list[:maxShares-1:maxShares-1], rest)
}
