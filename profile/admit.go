package profile

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/profile/internal/ask"
)

// comeBack is what a client is told that finds too many waiting.
const comeBack = 10 * time.Second

// admit decides whether the request is profiled, and makes the job. There is none if the request gets its
// usual answer, or has been answered with a problem. Nothing is done for who may not ask. rest is the query
// without the parameter, which had the values.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, rest string, values []string) (j *job, answered bool) {
	p := h.prof
	refuse := func(pr problem.Problem) (*job, bool) {
		pr.Unread = true
		pr.Write(w, r)
		return nil, true
	}
	asked, err := ask.Parse(values)
	var l link
	var user string
	var ok bool
	switch {
	case err == nil && asked.Link != "":
		l, ok = p.verify(asked.Link, r)
		user = owner(l.user)
	case !embedded(r):
		user, ok = p.allowed(r)
	}
	if !ok {
		return nil, false
	}
	if err == nil {
		err = asked.CheckMethod(r.Method)
	}
	if err != nil {
		return refuse(problem.Problem{Status: http.StatusBadRequest, Detail: err.Error()})
	}
	if l.nonce != "" && !p.links.use(l, time.Now()) {
		return nil, false
	}
	p.count.asked.Add(1)
	if !p.jobs.reserve() {
		p.links.giveBack(l)
		p.count.refused.Add(1)
		return refuse(problem.Problem{Status: http.StatusServiceUnavailable, After: comeBack,
			Detail: "profile: too many requests wait to be profiled"})
	}
	j = h.newJob(w, cut(r, p.param, rest), asked, user, l)
	switch err := p.note(j, l); {
	case err == nil:
		return j, false
	case errors.Is(err, fs.ErrExist): // used in another replica
		return nil, false
	}
	return refuse(problem.Problem{Status: http.StatusServiceUnavailable, After: comeBack,
		Detail: "profile: the store of results cannot note that the link is used"})
}

// note tells the store of a new job. With an error the job is not to run, and its place is given back; so
// it is when the store panics. Only a link needs the store, as it is for one job.
func (p *Profiler) note(j *job, l link) (err error) {
	runs := false
	defer func() {
		if runs {
			return
		}
		p.jobs.release()
		if !errors.Is(err, fs.ErrExist) {
			p.jobs.remove(j.res.ID)
			p.links.giveBack(l)
		}
	}()
	if err = p.claim(j); l.nonce == "" {
		err = nil
	}
	runs = err == nil
	return err
}

func (p *Profiler) allowed(r *http.Request) (user string, ok bool) {
	if p.Allow == nil {
		return "", false
	}
	user, ok = p.Allow(r)
	return owner(user), ok
}

// embedded says whether a page of another site has a browser send the request, with the cookies of whoever
// looks at that page: for an image, a frame, a form, by a script. To follow a link is no such thing: that
// is what people do, and they see what comes of it. The header fields are those of Fetch Metadata
// (https://www.w3.org/TR/fetch-metadata/); no page can forge them.
func embedded(r *http.Request) bool {
	h := r.Header
	if h.Get("Sec-Fetch-Site") != "cross-site" {
		return false
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	return !reads || h.Get("Sec-Fetch-Mode") != "navigate" || h.Get("Sec-Fetch-Dest") != "document"
}

// owner is the name of a user as a result keeps it, in UTF-8: what is not is quoted, and so is what looks
// like it. No two users become one, as they would in JSON.
func owner(user string) string {
	if utf8.ValidString(user) && !strings.HasPrefix(user, `"`) {
		return user
	}
	return strconv.QuoteToASCII(user)
}
