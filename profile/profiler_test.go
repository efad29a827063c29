package profile_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/store"
)

func TestValidateNamesTheFieldAndWhatIsAccepted(t *testing.T) {
	for _, c := range []struct {
		prof *profile.Profiler
		want []string
	}{
		{&profile.Profiler{Key: make([]byte, 31)}, []string{"Profiler.Key", "31", "32"}},
		{&profile.Profiler{Key: []byte{}}, []string{"Profiler.Key", "32"}},
		{&profile.Profiler{Param: "a b"}, []string{"Profiler.Param", "a b", "letters"}},
		{&profile.Profiler{Param: ".."}, []string{"Profiler.Param", "dots"}},
		{&profile.Profiler{Path: "/"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{Path: "x/"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{Path: "/x"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{Path: "/x//y/"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{Path: "/../x/"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{Path: "/x?y/"}, []string{"Profiler.Path", "slash"}},
		{&profile.Profiler{MaxWaiting: -1}, []string{"Profiler.MaxWaiting", "-1", "zero for 10"}},
		{&profile.Profiler{MaxRun: -1}, []string{"Profiler.MaxRun", "-1ns", "zero for 5m"}},
		{&profile.Profiler{Store: &store.Memory{MaxBytes: -1}}, []string{"Profiler.Store", "MaxBytes"}},
		{&profile.Profiler{Store: &store.Dir{}}, []string{"Profiler.Store", "Path"}},
	} {
		err := c.prof.Validate()
		if err == nil {
			t.Errorf("%+v is accepted", c.want)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not name %q", err, part)
			}
		}
		if panics(func() { c.prof.Wrap(says("")) }) == nil || panics(func() { c.prof.Handler() }) == nil {
			t.Errorf("%v: Wrap or Handler does not panic", err)
		}
	}
	for _, prof := range []*profile.Profiler{{}, {Key: key, Param: "why", Path: "/admin/why/", MaxWaiting: 1, MaxRun: time.Second}} {
		if err := prof.Validate(); err != nil {
			t.Error(err)
		}
	}
	if panics(func() { new(profile.Profiler).Wrap(nil) }) == nil {
		t.Error("Wrap(nil) does not panic")
	}
}

func panics(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestTheParameterAndThePathCanHaveOtherNames(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader, Param: "why", Path: "/admin/why/"}, http.HandlerFunc(tells))
	a := s.get("alice", "/a/b?why")
	if page := s.follow(a); !strings.HasPrefix(page, s.url+"/admin/why/") {
		t.Errorf("sent to %s", page)
	}
	s.result(a)
	if a := s.get("alice", "/?__profile__"); !strings.HasPrefix(a.body, "GET\n/?__profile__\n") {
		t.Errorf("%q", a.body)
	}
}
