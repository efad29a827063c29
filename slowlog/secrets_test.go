package slowlog_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

// planted is what must not be seen, each part of it.
const planted = "hunter2"

// usesASecret has one on the line that a report shows.
func usesASecret(w http.ResponseWriter, r *http.Request) {
	connect(2*time.Second, "mysql://shop:hunter2@db/books", map[string]string{"password": "hunter2"})
}

func connect(d time.Duration, dsn string, options map[string]string) { time.Sleep(d) }

// everywhere is all that leaves the process on a report.
func everywhere(t *testing.T, w *slowlog.Watch, alerts []alert.Alert) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, r := range w.Recent() {
		all[fmt.Sprint("the text of report ", i)] = r.Text()
		all[fmt.Sprint("the title of report ", i)] = r.Title()
		all[fmt.Sprint("the JSON of report ", i)] = asJSON(t, r)
		all[fmt.Sprint("report ", i)] = fmt.Sprintf("%+v", r)
	}
	for i, a := range alerts {
		all[fmt.Sprint("the JSON of alert ", i)] = asJSON(t, a)
		all[fmt.Sprint("the text of alert ", i)] = a.Report()
		all[fmt.Sprint("alert ", i)] = fmt.Sprintf("%+v %+v", a, a.Request)
		var log strings.Builder
		alert.Log{Logger: slog.New(slog.NewTextHandler(&log, nil))}.Send(t.Context(), a)
		all[fmt.Sprint("the log of alert ", i)] = log.String()
	}
	return all
}

func TestSecretsNeverLeave(t *testing.T) {
	request := func(target string, header ...string) *http.Request {
		r := httptest.NewRequest("GET", target, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return r
	}
	handmade := func(change func(*http.Request)) *http.Request {
		r := request("/")
		change(r)
		return r
	}
	long := strings.Repeat("a=b&", 2000)
	for name, r := range map[string]*http.Request{
		"Authorization":                         request("/", "Authorization", "Bearer hunter2"),
		"Proxy-Authorization":                   request("/", "Proxy-Authorization", "Basic hunter2"),
		"Cookie":                                request("/", "Cookie", "a=b; sid=hunter2"),
		"X-Api-Key":                             request("/", "X-Api-Key", "hunter2"),
		"X-API-KEY in another case":             handmade(func(r *http.Request) { r.Header["x-API_key"] = []string{"hunter2"} }),
		"the first of two cookies":              request("/", "Cookie", "sid=hunter2", "Cookie", "b=hunter2"),
		"X-Csrf-Token":                          request("/", "X-Csrf-Token", "hunter2"),
		"the query":                             request("/login?user=bob&token=hunter2&q=1"),
		"the query, escaped":                    request("/login?user=bob&pass%77ord=hunter2"),
		"the query, twice escaped":              request("/login?next=%2Flogin%3Ftoken%3Dhunter2"),
		"the query, with semicolons":            request("/login?user=bob;password=hunter2"),
		"the query of an absolute URL":          request("http://shop.example/login?api_key=hunter2"),
		"the path":                              request("/reset/token=hunter2/now"),
		"the end of a long query":               request("/?" + long + "token=hunter2"),
		"userinfo in the URL":                   request("http://bob:hunter2@shop.example/"),
		"userinfo in the query":                 request("/?next=https://bob:hunter2@shop.example/"),
		"userinfo in the host":                  handmade(func(r *http.Request) { r.Host = "bob:hunter2@shop.example" }),
		"the Referer's query":                   request("/", "Referer", "https://shop.example/login?password=hunter2"),
		"the Referer's userinfo":                request("/", "Referer", "https://bob:hunter2@shop.example/"),
		"a header of another name":              request("/", "X-Debug", "dsn password=hunter2"),
		"a bearer in another header":            request("/", "X-Forwarded-Auth", "Bearer hunter2", "X-Original", "Authorization: Bearer hunter2"),
		"JSON in a header":                      request("/", "X-Client", `{"user":"bob","password":"hunter2"}`),
		"a client's address by some middleware": handmade(func(r *http.Request) { r.RemoteAddr = "token=hunter2" }),
		"a name that was added":                 request("/?flavour=hunter2", "X-Flavour", "hunter2"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := &desk{}
				w := &slowlog.Watch{After: time.Second, Alert: queue(t, d), Redact: []string{"flavour"}, Header: slices.Collect(maps.Keys(r.Header))}
				mux := http.NewServeMux()
				mux.HandleFunc("/", usesASecret)
				go w.Wrap(mux).ServeHTTP(httptest.NewRecorder(), r)
				time.Sleep(1500 * time.Millisecond)
				all := map[string]string{"what is in flight": asJSON(t, w.InFlight())}
				time.Sleep(time.Second)
				for what, text := range everywhere(t, w, d.alerts()) {
					all[what] = text
				}
				if len(all) != 9 {
					t.Errorf("%d places, want 9", len(all))
				}
				for what, text := range all {
					if strings.Contains(text, planted) {
						t.Errorf("%s is in %s:\n%s", planted, what, text)
					}
				}
				r := the(t, w)
				contains(t, r.Text(), "> connect(2*time.Second,") // the source line is there, without its secrets
			})
		})
	}
}

func TestASecretCutInTwoIsNotShown(t *testing.T) {
	// Only the beginning of a long string is looked at. It may end in the
	// middle of something that, as a whole, would be known as a secret.
	for n := 3900; n < 4200; n += 7 {
		secrets := strings.Repeat("&password=", n/100) + strings.Repeat("x", n%100)
		long := "/?q=1" + secrets + strings.Repeat("y", max(0, n-len(secrets)-5)) + "&next=https://bob:hunter2hunter2@shop.example/" + strings.Repeat("z", 5000)
		bubble(t, func(t *testing.T) {
			w := quiet(t, &slowlog.Watch{After: time.Second, Header: []string{"X-Long"}})
			r := httptest.NewRequest("GET", "/", nil)
			r.RequestURI = "/?password=" + strings.Repeat("p", n-60) + "&next=https://bob:hunter2hunter2@shop.example/" + strings.Repeat("z", 5000)
			r.Header.Set("X-Long", long)
			w.Wrap(asleep(2*time.Second)).ServeHTTP(httptest.NewRecorder(), r)
			report := the(t, w)
			if text := report.Text(); strings.Contains(text, "hunter") {
				t.Errorf("%d: %s", n, text)
			}
		})
	}
}

func TestAddressesAreHiddenWhenAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := quiet(t, &slowlog.Watch{After: time.Second, Redact: []string{"forwarded", "", "--"}, Header: []string{"accept", "forwarded", "x-forwarded-for"}})
		r := httptest.NewRequest("GET", "/?q=1", nil)
		r.Header.Set("X-Forwarded-For", "192.0.2.77")
		r.Header.Set("Forwarded", "for=192.0.2.77")
		r.Header.Set("Accept", "*/*")
		w.Wrap(asleep(2*time.Second)).ServeHTTP(httptest.NewRecorder(), r)
		report := the(t, w)
		text := report.Text()
		if strings.Contains(text, "192.0.2.77") {
			t.Error(text)
		}
		contains(t, text, "header Accept: */*", "GET /?q=1", "header Forwarded: [redacted]")
	})
}

func TestHostileRequestsOnARealConnectionForgeNothing(t *testing.T) {
	for name, lines := range map[string][]string{
		"a long header":      {"GET / HTTP/1.1", "Host: shop.example", "X-Long: " + strings.Repeat("x", 100_000)},
		"many headers":       append([]string{"GET / HTTP/1.1", "Host: shop.example"}, manyHeaders(2000)...),
		"a header like ours": {"GET / HTTP/1.1", "Host: shop.example", "Header: X: y", "Id: forged", "X: \tslow request: GET /forged"},
		"bytes above ASCII":  {"GET / HTTP/1.1", "Host: shop.example", "X: \xff\xfe\xe2\x80\xa8id: forged\xe2\x80\xae"},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := belled(t, &slowlog.Watch{Header: []string{"X-Long", "Header", "Id", "X", "X-Field-1"}})
			s := server(t, w.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.rung(t) })))
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "%s\r\nConnection: close\r\n\r\n", strings.Join(lines, "\r\n"))
			if status, err := bufio.NewReader(conn).ReadString('\n'); !strings.HasPrefix(status, "HTTP/1.1 200 ") {
				t.Fatalf("%q, %v", status, err)
			}
			r := ended(t, w)
			text := r.Text()
			if len(text) > 20_000 || strings.Contains(text, "\nslow request: ") || strings.Contains(text, "\nid: forged") || strings.Contains(text, planted) {
				t.Errorf("%d bytes:\n%.5000s", len(text), text)
			}
			if _, err := slowlog.Parse(text); err != nil {
				t.Errorf("%v in\n%.5000s", err, text)
			}
		})
	}
}

func manyHeaders(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("X-%d: %s", i, strings.Repeat("v", 10)))
	}
	return lines
}
