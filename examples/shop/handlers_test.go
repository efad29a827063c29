package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/examples/shop/books"
)

func TestEveryPageIsServedWithItsPolicy(t *testing.T) {
	v := visit(t)
	for path, want := range map[string]string{
		"/":                "On the front table",
		"/about":           "slow.Wrap(prof.Wrap(shed.Wrap(box.Wrap(mux))))",
		"/search":          "Middlemarch",
		"/authors":         "Wuthering Heights",
		"/books/22":        "Herman Melville",
		"/cart":            "It is empty",
		"/break":           "serves search, authors, book pages",
		"/break/live":      "No request is running",
		"/static/shop.css": ".shelf",
		"/static/live.js":  "fetch(",
		"/static/icon.svg": "<svg",
	} {
		resp, body := v.get(path)
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s, without %q", path, resp.Status, want)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: Content-Security-Policy: %q", path, policy)
		}
	}
}

func TestPagesThatAreNotThere(t *testing.T) {
	v := visit(t)
	for _, path := range []string{"/nowhere", "/books/999", "/books/x", "/books/-1", "/books/99999999999999999999"} {
		if resp, body := v.get(path); resp.StatusCode != 404 || !strings.Contains(body, "Not on our shelves") {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestAMistakeOfTheShopsOwnIsNotBlamedOnABackend(t *testing.T) {
	v := visit(t)
	broken := v.shop.page(func(http.ResponseWriter, *http.Request) error { return errors.New("broken on purpose") })
	answer := httptest.NewRecorder()
	broken(answer, httptest.NewRequest("GET", "/", nil))
	if body := answer.Body.String(); answer.Code != 500 || !strings.Contains(body, "Our mistake") || strings.Contains(body, "on purpose") {
		t.Errorf("%d: %s", answer.Code, body)
	}
}

func TestSearchFindsByAnyPartAndTakesNothingForAPattern(t *testing.T) {
	v := visit(t)
	for words, want := range map[string]string{
		"melville":     "2 books",
		"MELVILLE":     "2 books",
		"  moby ":      "1 book ",
		"Brontë":       "2 books",
		"white whale":  "1 book ", // in what the shop says of it
		"gothic":       "5 books",
		"%":            "No book",
		"_":            "No book",
		`\`:            "No book",
		"' OR 1=1 -- ": "No book",
		"\xff\xfe":     "Middlemarch", // nothing is left of it, so all books
		"<script>":     "No book with <q>&lt;script&gt;</q>",
	} {
		resp, body := v.get("/search?q=" + url.QueryEscape(words))
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("search for %q: %s, without %q", words, resp.Status, want)
		}
	}
	long := strings.Repeat("ë", 5000)
	if resp, body := v.get("/search?q=" + long); resp.StatusCode != 200 || !strings.Contains(body, "No book") {
		t.Errorf("a long search: %s", resp.Status)
	}
}

func TestACartKeepsWhatIsPutIntoItForItsShopperOnly(t *testing.T) {
	v := visit(t)
	v.post("/cart/add", "book", "22")
	v.post("/cart/add", "book", "22")
	if _, body := v.post("/cart/add", "book", "8"); !strings.Contains(body, "Moby-Dick") ||
		!strings.Contains(body, "2 × €13.90") || !strings.Contains(body, "A Christmas Carol") || !strings.Contains(body, "Together <b>€33.70</b>") {
		t.Errorf("after adding, the cart is\n%s", body)
	}
	if _, body := v.another().get("/cart"); !strings.Contains(body, "It is empty") {
		t.Error("another shopper sees the cart")
	}
	if _, body := v.post("/cart/remove", "book", "22"); strings.Contains(body, "Moby-Dick") || !strings.Contains(body, "€5.90") {
		t.Errorf("after removing, the cart is\n%s", body)
	}
	for _, book := range []string{"999", "x", ""} {
		if resp, _ := v.post("/cart/add", "book", book); resp.StatusCode != 404 {
			t.Errorf("adding book %q: %s", book, resp.Status)
		}
	}
}

func TestTheCartsCookieIsKeptFromScriptsAndNobodyChoosesIt(t *testing.T) {
	v := visit(t)
	resp, _ := v.get("/cart")
	cookie := resp.Header.Get("Set-Cookie")
	if !regexp.MustCompile(`^cart=[A-Z2-7]{26}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax$`).MatchString(cookie) {
		t.Errorf("Set-Cookie: %s", cookie)
	}
	if resp, _ := v.get("/cart"); resp.Header.Get("Set-Cookie") != "" {
		t.Error("a shopper who has a cart is given another")
	}
	req, _ := http.NewRequest("GET", v.url+"/cart", nil)
	req.Header.Set("Cookie", "cart=books")
	if resp, _ := v.another().do(req); resp.Header.Get("Set-Cookie") == "" {
		t.Error("a cart of the shopper's own making is accepted")
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	v := visit(t)
	for _, path := range []string{"/cart/add", "/cart/remove", "/break/mysql"} {
		req, _ := http.NewRequest("POST", v.url+path, strings.NewReader("book=22&fault=hang"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", "https://elsewhere.example")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		if resp, body := v.do(req); resp.StatusCode != 403 || !strings.Contains(body, "another site") {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if kind := v.shop.switches[0].Trouble(); kind != normal {
		t.Errorf("MySQL is %s", kind)
	}
}

func TestTheBreakPageShowsSwitchesAndReports(t *testing.T) {
	v := visit(t)
	v.turn("mysql", "hang")
	if _, body := v.get("/break"); !strings.Contains(body, `value="hang" aria-pressed="true"`) {
		t.Error("the page does not show that MySQL hangs")
	}
	var body string
	for start := time.Now(); !strings.Contains(body, "GET /search") && time.Since(start) < time.Minute; {
		v.get("/search?q=whale&token=s3cr3t")
		_, body = v.get("/break/live") // without it yet only if the machine is so busy that sweeps are postponed
	}
	for _, want := range []string{"GET /search?q=whale", "answered, 503 after", "(*shop).search", " to mysql for "} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	if strings.Contains(body, "s3cr3t") {
		t.Error("the page shows a secret")
	}
}

func TestTheBreakPageRefusesWhatItDoesNotKnow(t *testing.T) {
	v := visit(t)
	for _, fault := range []string{"", "melt", "slow", "slow fast", "slow -1s", "slow 1h", "hang 1s", "normal "} {
		if resp, body := v.post("/break/mysql", "fault", fault); resp.StatusCode != 400 || !strings.Contains(body, "must be normal, slow") {
			t.Errorf("fault %q: %s", fault, resp.Status)
		}
	}
	if resp, _ := v.post("/break/oracle", "fault", "hang"); resp.StatusCode != 404 {
		t.Errorf("an unknown backend: %s", resp.Status)
	}
	large := strings.NewReader("fault=hang&more=" + strings.Repeat("x", 1<<20))
	req, _ := http.NewRequest("POST", v.url+"/break/mysql", large)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if resp, _ := v.do(req); resp.StatusCode != 400 || v.shop.switches[0].Trouble() != normal {
		t.Errorf("a form of a megabyte: %s", resp.Status)
	}
}

func TestTheShelfIsInOrder(t *testing.T) {
	for i, b := range books.All() {
		if b.ID != i+1 || b.Title == "" || b.Author == "" || b.Year == 0 || b.Pages == 0 || b.Cents == 0 || b.Genre == "" || b.Blurb == "" {
			t.Errorf("book %d: %+v", i+1, b)
		}
		for _, r := range books.Reviews(b.ID) {
			if r.Stars < 1 || r.Stars > 5 || r.Reader == "" || r.Text == "" {
				t.Errorf("%s: %+v", b.Title, r)
			}
		}
	}
}
