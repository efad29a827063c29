package slowlog_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/slowlog"
)

const findBook = "SELECT * FROM book WHERE id = ?"

// serving is a handler that is given the request's context alone.
func serving(f func(ctx context.Context)) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(r.Context()) })
}

func TestAReportSaysInWhichCallToABackendTheRequestHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: 8 * time.Second, Alert: queue(t, d)}
		go visit(w.Wrap(serving(func(ctx context.Context) {
			query(ctx, "redis", "", 100*time.Millisecond)
			for i := range 230 {
				end := begin(ctx, "mysql", findBook)
				time.Sleep(10 * time.Millisecond)
				end(i < 2)
			}
			time.Sleep(700 * time.Millisecond)
			query(ctx, "mysql", findBook, time.Minute)
			query(ctx, "mysql", "COMMIT", 0)
		})), "GET", "/book?id=12")
		time.Sleep(9 * time.Second)
		r, running := the(t, w), w.InFlight()[0]
		time.Sleep(time.Hour)

		contains(t, r.Text(), "\nin call 231 to mysql for 4.9s: SELECT * FROM book WHERE id = ? (the same statement 230 times before)\nmysql: 231 calls in 7.2s, 2 errors\nredis: 1 call in 100ms\n\n")
		contains(t, r.Title(), "slow: GET /book after 8s, asleep in slowlog_test.query, in call 231 to mysql")
		equal(t, "backends", fmt.Sprintf("%+v", r.Backends), fmt.Sprintf("%+v", []alert.Backend{
			{Name: "mysql", Calls: 231, Errors: 2, Time: 7200 * time.Millisecond,
				Statements: []alert.Statement{{Text: findBook, Calls: 231, Time: 7200 * time.Millisecond}},
				Running:    []alert.Call{{Statement: findBook, Elapsed: 4900 * time.Millisecond, Number: 231, Before: 230}}},
			{Name: "redis", Calls: 1, Time: 100 * time.Millisecond},
		}))
		a := d.alerts()[0]
		equal(t, "alert's backends", fmt.Sprint(a.Backends), fmt.Sprint(r.Backends))
		equal(t, "alert's title", a.Title, r.Title())
		equal(t, "alert's tag", a.Tags["backend"], "mysql")
		contains(t, asJSON(t, running), `"backends": [`, `"elapsed_ns": 5900000000`, `"number": 231`, `"before": 230`)
		equal(t, "calls in the end", the(t, w).End.Calls, 233)
		equal(t, "calls in the report when it has ended", the(t, w).Backends[0].Calls, 231)
	})
}

func TestAReportSaysThatAStatementIsRepeated(t *testing.T) {
	for _, c := range []struct {
		times       int
		title, text string
	}{
		{500, ", the same statement 500 times to mysql", "\nmysql: 500 calls in 500ms; the same statement 500 times: " + findBook + "\n\n"},
		{10, ", the same statement 10 times to mysql", "\nmysql: 10 calls in 10ms; the same statement 10 times: " + findBook + "\n\n"},
		{9, "", "\nmysql: 9 calls in 9ms\n\n"},
	} {
		bubble(t, func(t *testing.T) {
			d := &desk{}
			w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
			visit(w.Wrap(serving(func(ctx context.Context) {
				for range c.times {
					query(ctx, "mysql", findBook, time.Millisecond)
				}
				time.Sleep(time.Second)
			})), "GET", "/")
			r := the(t, w)
			if !strings.HasSuffix(r.Title(), ".func1.1"+c.title) {
				t.Errorf("%d times: the title is %q", c.times, r.Title())
			}
			contains(t, r.Text(), c.text)
			equal(t, "tag", d.alerts()[0].Tags["backend"] != "", c.title != "")
		})
	}
}

func TestCallsAtOnceAreShownTheOldestFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: 8 * time.Second})
		visit(w.Wrap(serving(func(ctx context.Context) {
			var all sync.WaitGroup
			defer all.Wait()
			for i, backend := range []string{"slow", "mail", "api", "api", "api", "quick"} {
				all.Go(func() {
					query(ctx, backend, fmt.Sprint("GET ", i), []time.Duration{20, 20, 20, 20, 1, 0}[i]*time.Second)
				})
				time.Sleep(time.Second)
			}
		})), "GET", "/")
		r := the(t, w)
		contains(t, r.Text(), "\nin call 1 to slow for 8s: GET 0\nslow: 1 call in 8s\nin call 1 to mail for 7s: GET 1\nmail: 1 call in 7s\n"+
			"in 2 calls to api, the oldest for 6s: GET 2\napi: 3 calls in 12s\nand 1 more backend\n\n")
		contains(t, r.Title(), ", in call 1 to slow")
		equal(t, "last", r.Backends[3].Name, "quick")
	})
}

func TestAReportSaysWhichCallItIsThatHangsWhileOthersAreMade(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: 8 * time.Second})
		visit(w.Wrap(serving(func(ctx context.Context) {
			var all sync.WaitGroup
			defer all.Wait()
			all.Go(func() { query(ctx, "mysql", findBook, 20*time.Second) })
			time.Sleep(time.Millisecond)
			for range 20 {
				query(ctx, "mysql", findBook, time.Millisecond)
			}
		})), "GET", "/")
		r := the(t, w)
		contains(t, r.Text(), "\nin call 1 to mysql for 8s: "+findBook+"\nmysql: 21 calls in 8.02s; the same statement 21 times: "+findBook+"\n\n",
			"\ncall:       number 1, for 8s: "+findBook+"\n")
		contains(t, r.Title(), ", in call 1 to mysql")
	})
}

func TestAFingerprintIsShownAsItIs(t *testing.T) {
	const join = "SELECT a FROM card c JOIN pin p ON c.author = p.author"
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(serving(func(ctx context.Context) { query(ctx, "mysql", join, 2*time.Second) })), "GET", "/")
		equal(t, "statement", the(t, w).Backends[0].Statements[0].Text, join)
	})
}

func TestABackendWithoutANameIsUnnamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		visit(w.Wrap(serving(func(ctx context.Context) { query(ctx, "\u2028", "", 2*time.Second) })), "GET", "/")
		r := the(t, w)
		contains(t, r.Text(), "\nbackend:    unnamed: 1 call in 1s\n")
		equal(t, "tag", d.alerts()[0].Tags["backend"], "unnamed")
	})
}

func TestWithoutCallsToBackendsNothingIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		visit(w.Wrap(asleep(2*time.Second)), "GET", "/")
		r := the(t, w)
		for _, text := range []string{r.Text(), r.Title(), asJSON(t, r), asJSON(t, d.alerts()[0])} {
			for _, said := range []string{`"backend`, "backend:", "backend calls", "backends\n", "call to", "call 0", `"calls"`} {
				if strings.Contains(text, said) {
					t.Errorf("it says %s in\n%s", said, text)
				}
			}
		}
	})
}

func TestARefusalIsCounted(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second})
		visit(w.Wrap(serving(func(ctx context.Context) {
			request.From(ctx).Refuse("ldap", time.Minute)
			time.Sleep(2 * time.Second)
		})), "GET", "/")
		r := the(t, w)
		contains(t, r.Text(), "\nldap: 0 calls in 0s, 1 refused\n", "\nbackend:    ldap: 0 calls in 0s, 1 refused\n")
	})
}

func TestATallyOfAnySizeIsShownInBounds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		d := &desk{}
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
		visit(w.Wrap(serving(func(ctx context.Context) {
			for backend := range 30 {
				for i := range 200 {
					begin(ctx, fmt.Sprint("backend ", backend, strings.Repeat(" é", 500)), fmt.Sprint("SELECT ", i, strings.Repeat(" é", 5000)))
				}
			}
			time.Sleep(2 * time.Second)
		})), "GET", "/")
		r := the(t, w)
		equal(t, "backends", len(r.Backends), 10)
		equal(t, "more backends", r.MoreBackends, 20)
		equal(t, "statements", len(r.Backends[0].Statements), 5)
		equal(t, "more statements", r.Backends[0].More, 95)
		equal(t, "running", len(r.Backends[0].Running), 10)
		equal(t, "more running", r.Backends[0].MoreRunning, 190)
		for _, what := range []string{r.Text(), asJSON(t, r), asJSON(t, d.alerts()[0].Backends)} {
			if len(what) > 150_000 {
				t.Errorf("%d bytes: %.2000s", len(what), what)
			}
		}
		first, _, _ := strings.Cut(r.Text(), "\n\n")
		contains(t, first, "\nand 27 more backends")
		if len(first) > 3000 {
			t.Errorf("the first lines have %d bytes:\n%s", len(first), first)
		}
		if _, err := slowlog.Parse(r.Text()); err != nil {
			t.Error(err)
		}
	})
}

func TestStatementsAndNamesOfBackendsShowNoSecretAndForgeNothing(t *testing.T) {
	for name, statement := range map[string]string{
		"a password":    "SET PASSWORD = 'hunter2'",
		"a token":       "GET api.example.com/reset?token=hunter2",
		"a URL":         "mysql://bob:hunter2@db/shop",
		"another line":  "SELECT 1\r\n\nslow request: GET /forged\nid: forged\u2028\x1b[31m",
		"another field": "x\nbackend: forged: 1 calls in 1s",
		"invalid UTF-8": "SELECT \xff token=hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := &desk{}
				w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
				go visit(w.Wrap(serving(func(ctx context.Context) {
					begin(ctx, statement, statement)
					query(ctx, "mysql", statement, time.Minute)
				})), "GET", "/")
				time.Sleep(2 * time.Second)
				all := everywhere(t, w, d.alerts())
				all["what is in flight"] = asJSON(t, w.InFlight())
				for what, text := range all {
					if strings.Contains(text, planted) || strings.ContainsAny(text, "\r\x1b\u2028") || !utf8.ValidString(text) || strings.Contains(text, "\nslow request: GET /forged") ||
						strings.Contains(text, "\nbackend: forged") {
						t.Errorf("%s is\n%s", what, text)
					}
				}
				r := the(t, w)
				if got, err := slowlog.Parse(r.Text()); err != nil || len(got.Backends) != 2 {
					t.Errorf("%v, %+v", err, got)
				}
				time.Sleep(time.Hour)
			})
		})
	}
}

func TestARecordOfAGuardOutsideThatHasNoID(t *testing.T) {
	bubble(t, func(t *testing.T) {
		outer, inner := quiet(t, &slowlog.Watch{After: time.Second}), quiet(t, &slowlog.Watch{After: time.Second})
		watched := outer.Wrap(inner.Wrap(serving(func(ctx context.Context) {
			query(ctx, "mysql", findBook, 2*time.Second)
		})))
		rec := &request.Record{Start: deadline.Now()} // as a box has one
		r := httptest.NewRequest("GET", "/", nil)
		rec.Context = r.Context()
		watched.ServeHTTP(httptest.NewRecorder(), r.WithContext(rec))
		ids := map[string]bool{}
		for _, w := range []*slowlog.Watch{outer, inner} {
			r := the(t, w)
			ids[r.ID] = true
			equal(t, "first stack", r.Stacks[0].Name, "runs the handler")
			contains(t, r.Text(), "\nin call 1 to mysql for 1s: "+findBook+"\n")
			equal(t, "calls in the end", r.End.Calls, 1)
		}
		if id := slices.Collect(maps.Keys(ids)); len(id) != 1 || len(id[0]) != 32 {
			t.Errorf("the IDs are %q, want one of 32 characters", id)
		}
		equal(t, "the outer record's ID", rec.ID, "")
		equal(t, "calls that the guard outside sees", rec.Backends()[0].Calls, 1)
	})
}

func TestReportsAndCallsDoNotRace(t *testing.T) {
	w := quiet(t, &slowlog.Watch{After: time.Millisecond, Again: 10})
	rested(t)
	h := w.Wrap(serving(func(ctx context.Context) {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for i := range 200 {
					query(ctx, "mysql", fmt.Sprint("SELECT ", i%20), 10*time.Microsecond)
				}
			})
		}
		all.Wait()
	}))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { visit(h, "GET", "/") })
	}
	for range 50 {
		w.InFlight()
		time.Sleep(100 * time.Microsecond)
	}
	all.Wait()
	for _, r := range w.Recent() {
		equal(t, "calls in the end", r.End.Calls, 800)
	}
}
