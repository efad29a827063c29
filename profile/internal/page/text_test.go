package page_test

import (
	"math"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/page"
)

func TestDurationsHaveThreeDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0",
		7:                       "7 ns",
		45_600:                  "45.6 µs",
		3_210_000:               "3.21 ms",
		412 * ms:                "412 ms",
		4900 * ms:               "4.90 s",
		75 * time.Second:        "75.0 s",
		3*time.Minute + 4*ms:    "3m0s",
		-412 * ms:               "-412 ms",
		99*ms + 960_000:         "100 ms",
		100 * time.Hour:         "100h0m0s",
		time.Duration(-1 << 63): "-1 ns",
	} {
		if got := page.Span(d); got != want {
			t.Errorf("%d ns: %q, want %q", int64(d), got, want)
		}
	}
}

func TestPartsAreInPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole time.Duration
		want        string
	}{
		{60, 100, "60 %"}, {996, 10_000, "10 %"}, {94, 1000, "9.4 %"}, {1, 1000, "0.1 %"}, {1, 5000, "<0.1 %"},
		{0, 100, "0 %"}, {1, 0, "0 %"}, {-5, 100, "0 %"}, {200, 100, "200 %"},
	} {
		if got := page.Percent(c.part, c.whole); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestSizesHaveThreeDigits(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "0.98 KiB", 48_213: "47.1 KiB", 3 << 20: "3.00 MiB", math.MaxInt64: "8192 PiB",
		-2048: "-2.00 KiB", math.MinInt64: "-1 B",
	} {
		if got := page.Size(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestFilesAreShownWithTheirPackage(t *testing.T) {
	for name, want := range map[string]string{
		"/src/acme/forge/store/repo.go:88": "store/repo.go:88", `C:\src\store\repo.go`: "store/repo.go",
		"repo.go": "repo.go", "/repo.go": "/repo.go", "store/repo.go": "store/repo.go", "": "",
	} {
		if got := page.Base(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"short", 5, "short"}, {"longer", 4, "long…"}, {"größe", 3, "gr…"}, {"\x80\x80\x80\x80", 2, "…"},
	} {
		if got := page.Clip(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d: %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestWhatCannotBeSeenIsSpelledOut(t *testing.T) {
	for text, want := range map[string]string{
		"plain, größe, שלום\n\t": "plain, größe, שלום\n\t",
		"a\u202eb":               `a\u202eb`,
		"a\x00\x1b[31mb":         `a\u0000\u001b[31mb`,
		"zero\u200bwidth\ufeff":  `zero\u200bwidth\ufeff`,
		"line\u2028end\r":        `line\u2028end\u000d`,
		"\xff\xfe":               `\xff\xfe`,
		"tag\U000E0041":          `tag\ue0041`,
		"\ufffd":                 "\ufffd",
	} {
		if got := string(page.Visible([]byte(text))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTheAxisHasRoundTimes(t *testing.T) {
	for _, total := range []time.Duration{1, 2, 9, 10, 17, 412 * ms, 999 * ms, time.Second, 17 * time.Minute, math.MaxInt64} {
		at := page.Ticks(total)
		if at[0] != 0 || len(at) > 12 || total > 3 && len(at) < 4 {
			t.Errorf("%v: ticks at %v", total, at)
		}
		for i := range at[1:] {
			if at[i+1] <= at[i] || at[i+1] > total {
				t.Errorf("%v: ticks at %v", total, at)
				break
			}
		}
	}
	if at := page.Ticks(412 * ms); at[1] != 50*ms || len(at) != 9 {
		t.Errorf("412 ms: ticks at %v", at)
	}
}
