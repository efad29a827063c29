package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// maxKept is how many results are kept in the process that the store does not take.
const maxKept = 3

// kept are results that could not be stored, the newest last.
type kept struct {
	mu   sync.Mutex
	list []*result.Result
}

func (k *kept) add(res *result.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.list = append(k.list, res); len(k.list) > maxKept {
		k.list = append([]*result.Result(nil), k.list[1:]...)
	}
}

func (k *kept) find(id string) *result.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, res := range k.list {
		if res.ID == id {
			return res
		}
	}
	return nil
}

// claim puts a new job's placeholder into the store, so that other replicas know of it, and makes it known
// in this one. The error is fs.ErrExist if there is such a result already. With any other the job may be
// run all the same.
func (p *Profiler) claim(j *job) error {
	data, err := j.now().Encode()
	if err == nil {
		err = p.store.Create(j.res.ID, data)
	}
	if !errors.Is(err, fs.ErrExist) {
		p.jobs.add(j.res.ID, j)
	}
	return err
}

// place renews the placeholder. If that fails, finish will tell. It has a goroutine of its own, as the store
// may take its time and the tracer is on.
func (j *job) place() {
	defer close(j.placed)
	if data, err := j.now().Encode(); err == nil {
		j.replace(data)
	}
}

// replace has the store keep data. A store that panics is one that fails: the goroutine may be one where
// nobody else would catch that, and the result is to be had all the same.
func (j *job) replace(data []byte) (err error) {
	defer func() {
		if value := recover(); value != nil {
			j.logPanic(value)
			err = fmt.Errorf("the store panicked: %v", value)
		}
	}()
	return j.prof.store.Put(j.res.ID, data)
}

// keep stores a result that is ready, and if that fails, less and less of it. In the end the result stays
// in this process for a while.
func (j *job) keep(res *result.Result) {
	p := j.prof
	err := j.put(res)
	if err == nil {
		return
	}
	whole := *res
	if res.Trace != nil {
		res.Trace = nil
		p.without(res, "The execution trace", err)
		if j.put(res) == nil {
			return
		}
	}
	if res.Response != nil && len(res.Response.Body) > 0 {
		short := *res.Response
		short.Body, short.Cut = nil, true
		res.Response = &short
		p.without(res, "The application's answer", err)
		if j.put(res) == nil {
			return
		}
	}
	*res = whole
	res.Problems = append(res.Problems, p.secrets.Text(fmt.Sprintf(
		"The result could not be stored (%v): only the process that made it has it, and keeps the last %d of them.", err, maxKept)))
	p.kept.add(res)
	j.put(&result.Result{ // in the placeholder's place, or other replicas would wait
		ID: res.ID, User: res.User, State: result.Failed,
		Method: res.Method, URI: res.URI, Host: res.Host, Machine: res.Machine, Asked: res.Asked,
		Problems: res.Problems[len(res.Problems)-1:],
	})
}

func (p *Profiler) without(res *result.Result, what string, err error) {
	res.Problems = append(res.Problems[:len(res.Problems):len(res.Problems)], p.secrets.Text(fmt.Sprintf("%s could not be stored: %v.", what, err)))
}

func (j *job) put(res *result.Result) error {
	data, err := res.Encode()
	if err != nil {
		return err
	}
	return j.replace(data)
}

// load finds a result: one that is being made, one that was kept, or what is known of one that was lost.
// The error matches fs.ErrNotExist if there is none.
func (p *Profiler) load(id string) (*result.Result, error) {
	if !isID(id) {
		return nil, fs.ErrNotExist
	}
	if j := p.jobs.find(id); j != nil {
		return j.now(), nil
	}
	if res := p.kept.find(id); res != nil {
		return res, nil
	}
	data, err := p.store.Get(id)
	if err != nil {
		return nil, err
	}
	res, err := result.Decode(data)
	if err != nil {
		return nil, err
	}
	if res.ID != id {
		return nil, fs.ErrNotExist
	}
	p.lose(res, time.Now())
	return res, nil
}

// lose makes a result a failed one whose maker is gone: it would be waited for in vain.
func (p *Profiler) lose(res *result.Result, now time.Time) {
	if res.State == result.Done || res.State == result.Failed {
		return
	}
	const slack = 5 * time.Minute // for reading, and clocks that differ
	until := res.Asked.Add(time.Duration(p.jobs.most) * (p.maxRun + slack))
	if !res.Began.IsZero() {
		until = res.Began.Add(p.maxRun + slack)
	}
	before := res.Machine == p.machine && res.Asked.Before(p.born) // by a process that had our ID
	if !before && now.Before(until) {
		return
	}
	res.State, res.Turn = result.Failed, ""
	res.Problems = append(res.Problems, fmt.Sprintf("The profile was lost: %s ended before it was ready.", res.Machine))
}
