package page_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// hostile are texts that would do something if they became more than text.
var hostile = []string{
	`<script>document.title="hacked"</script>`,
	`"><img src=x onerror="document.title='hacked'">`,
	`' onmouseover='document.title="hacked"' x='`,
	`</title></svg></style><iframe src="https://evil.example/">`,
	`javascript:document.title="hacked"`,
	`{{.Nonce}}<!-- ]]> --><base href="https://evil.example/">`,
	"\u202egnp.exe\u2066 \x00\x07\x1b[31m\r\u200b\ufeff",
	"\xff\xfe\x80",
}

// filled is a result in which every string is the text, and every list has two of each.
func filled(t testing.TB, text string) *result.Result {
	res := &result.Result{}
	fill(reflect.ValueOf(res).Elem(), text)
	res.State = result.Done
	res.Trace = []byte("trace")
	flat := strings.Join(strings.Fields(text), "")
	res.Profile = profileOf(t, spent{"network", 3 * ms, flat + " main." + flat}, spent{"lock", 2 * ms, flat})
	return res
}

func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(11)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(text))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, text)
		v.SetMapIndex(reflect.ValueOf(text), value)
	}
}

func TestTextOfTheProgramStaysText(t *testing.T) {
	want := names(parse(t, get(filled(t, "harmless"), "").Body.String()))
	if len(want) < 100 {
		t.Fatalf("the page has only %d elements", len(want))
	}
	for _, text := range hostile {
		w := get(filled(t, text), "")
		body := w.Body.String()
		if got := names(parse(t, body)); w.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%q: status %d, %d elements instead of %d", text, w.Code, len(got), len(want))
		}
		for _, r := range body {
			if r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%q: the page has %U in it", text, r)
				break
			}
		}
	}
}

func TestOtherPagesKeepTextTextToo(t *testing.T) {
	for _, text := range hostile {
		for _, state := range []result.State{result.Waits, result.Failed} {
			harmless, res := filled(t, "harmless"), filled(t, text)
			harmless.State, res.State = state, state
			want := names(parse(t, get(harmless, "").Body.String()))
			if got := names(parse(t, get(res, "").Body.String())); !slices.Equal(got, want) {
				t.Errorf("%q, %s: elements %q", text, state, got)
			}
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/ID/", nil)
		r.URL.RawQuery = "by=" + text
		page.Serve(w, r, filled(t, "harmless"), "", page.Options{})
		if got := names(parse(t, w.Body.String())); slices.Contains(got, "script") || slices.Contains(got, "img") {
			t.Errorf("by=%q: elements %q", text, got)
		}
		w = httptest.NewRecorder()
		page.Serve(w, httptest.NewRequest("GET", "/ID/", nil), filled(t, "harmless"), text, page.Options{Share: text})
		if got := names(parse(t, w.Body.String())); w.Code != http.StatusNotFound || slices.Contains(got, "script") {
			t.Errorf("part %q: status %d, elements %q", text, w.Code, got)
		}
	}
}

func TestHeadersAreTheSameForHostileText(t *testing.T) {
	for _, text := range hostile {
		res := filled(t, text)
		for _, target := range []string{"", "profile.pb.gz", "run.trace", "graph.dot", "response"} {
			w := get(res, target)
			for name, values := range w.Header() {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00\x1b<>") {
					t.Errorf("%q, %s: header %s is %q", text, target, name, values)
				}
			}
		}
	}
}

var nonces = regexp.MustCompile(`'nonce-([A-Z2-7]{26,})'`)

func TestEveryPageHasANonceOfItsOwn(t *testing.T) {
	res := repository(t, 2)
	seen := make(map[string]bool)
	for range 3 {
		w := get(res, "")
		found := nonces.FindAllStringSubmatch(w.Header().Get("Content-Security-Policy"), -1)
		if len(found) != 2 || found[0][1] != found[1][1] {
			t.Fatalf("the policy is %q", w.Header().Get("Content-Security-Policy"))
		}
		nonce := found[0][1]
		if seen[nonce] {
			t.Fatalf("the nonce %s comes again", nonce)
		}
		seen[nonce] = true
		for _, e := range parse(t, w.Body.String()) {
			if (e.name == "script" || e.name == "style") && e.attributes["nonce"] != nonce {
				t.Errorf("<%s> has the nonce %q instead of %q", e.name, e.attributes["nonce"], nonce)
			}
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	res := repository(t, 0)
	for _, target := range []string{"", "?by=zzz", "profile.pb.gz", "run.trace", "graph.dot", "response", "pprof", "pprof/", "pprof/top", "pprof/download", "pprof/source", "pprof/top?f=(", "nope"} {
		w := get(res, target)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy lacks %q: %q", target, want, policy)
			}
		}
		if target != "response" && strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "unsafe-eval") && !strings.Contains(policy, "wasm-unsafe-eval") {
			t.Errorf("%s: the policy is weak: %q", target, policy)
		}
	}
}

func TestNoPageLeadsElsewhere(t *testing.T) {
	for _, target := range []string{"", "?by=network", "nope", "response?"} {
		if body := get(repository(t, 9), target).Body.String(); strings.Contains(body, "://") {
			t.Errorf("%q: the page has the address of another", target)
		}
	}
}
