package stacks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"testing"

	"github.com/heeler-go/heeler/internal/stacks"
)

// labelledProfile is a real profile in which this goroutine bears a label.
func labelledProfile(tb testing.TB) []byte {
	tb.Helper()
	var data []byte
	pprof.Do(tb.Context(), pprof.Labels(stacks.Label, "seed"), func(context.Context) {
		var err error
		if data, err = stacks.Profile(); err != nil {
			tb.Fatal(err)
		}
	})
	return data
}

func TestACorruptProfileIsAnError(t *testing.T) {
	whole := labelledProfile(t)
	raw := gunzip(t, whole)
	for name, data := range map[string][]byte{
		"empty":               nil,
		"not gzip":            []byte("goroutine profile: total 3"),
		"cut gzip":            whole[:len(whole)/2],
		"cut message":         zipped(t, raw[:len(raw)-1]),
		"field number 0":      zipped(t, []byte{0x00, 0x01}),
		"group":               zipped(t, []byte{0x0b}),
		"endless varint":      zipped(t, bytes.Repeat([]byte{0xff}, 20)),
		"body past the end":   zipped(t, []byte{0x12, 0x7f, 0x00}),
		"huge body":           zipped(t, []byte{0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}),
		"cut fixed64":         zipped(t, []byte{0x09, 0x00}),
		"label out of range":  zipped(t, []byte{0x12, 0x04, 0x1a, 0x02, 0x08, 0x63}),
		"label just past":     zipped(t, message(map[string][]byte{"sample": {0x1a, 0x04, 0x08, 0x01, 0x10, 0x05}})),
		"location is missing": zipped(t, message(map[string][]byte{"location": nil})),
		"function is missing": zipped(t, message(map[string][]byte{"function": nil})),
	} {
		if snap, err := stacks.Decode(data); err == nil {
			t.Errorf("%s: decoded to %v", name, snap)
		}
	}
	if snap, err := stacks.Decode(whole); err != nil || len(snap["seed"]) != 1 {
		t.Errorf("the whole profile: %v, %v", snap, err)
	}
}

func TestBothFormsOfRepeatedNumbersAreRead(t *testing.T) {
	for _, sample := range [][]byte{
		{0x0a, 0x01, 0x01, 0x12, 0x01, 0x07, 0x1a, 0x04, 0x08, 0x01, 0x10, 0x02}, // packed
		{0x08, 0x01, 0x10, 0x07, 0x1a, 0x04, 0x08, 0x01, 0x10, 0x02},             // one by one
	} {
		snap, err := stacks.Decode(zipped(t, message(map[string][]byte{"sample": sample})))
		want := "map[id:[{7 running  [{main.f f.go 9}]}]]"
		if got := fmt.Sprint(snap); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}

func TestStacksThatLookTheSameAreCountedTogether(t *testing.T) {
	one := message(nil)
	two := append(one, 0x12, 0x0c, 0x0a, 0x01, 0x02, 0x12, 0x01, 0x05, 0x1a, 0x04, 0x08, 0x01, 0x10, 0x02) // at location 2
	two = append(two, 0x22, 0x08, 0x08, 0x02, 0x22, 0x04, 0x08, 0x01, 0x10, 0x09)                          // the same line
	snap, err := stacks.Decode(zipped(t, two))
	want := "map[id:[{12 running  [{main.f f.go 9}]}]]"
	if got := fmt.Sprint(snap); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestFramesOfTheRuntimeAreTrimmed(t *testing.T) {
	for fn, want := range map[string]int{
		"runtime.gopark":                 0, // nothing but the runtime: it has not begun to run
		"internal/poll.runtime_pollWait": 0,
		"internal/runtime/maps.grow":     0,
		"internal/poll.(*FD).Read":       1,
		"runtimes.gopark":                1,
	} {
		snap, err := stacks.Decode(zipped(t, message(map[string][]byte{"func": []byte(fn)})))
		if err != nil || len(snap["id"]) != want {
			t.Errorf("%s: %v, %v; want %d goroutines", fn, snap, err, want)
		}
	}
}

// message is a profile of 7 goroutines at f.go:9 with our label, with some parts replaced.
func message(parts map[string][]byte) []byte {
	standard := []struct {
		name string
		tag  byte
		body []byte
	}{
		{"sample", 0x12, []byte{0x0a, 0x01, 0x01, 0x12, 0x01, 0x07, 0x1a, 0x04, 0x08, 0x01, 0x10, 0x02}},
		{"location", 0x22, []byte{0x08, 0x01, 0x22, 0x04, 0x08, 0x01, 0x10, 0x09}},
		{"function", 0x2a, []byte{0x08, 0x01, 0x10, 0x03, 0x20, 0x04}},
		{"", 0x32, nil},
		{"", 0x32, []byte(stacks.Label)},
		{"", 0x32, []byte("id")},
		{"func", 0x32, []byte("main.f")},
		{"", 0x32, []byte("f.go")},
	}
	var msg []byte
	for _, part := range standard {
		body := part.body
		if replaced, ok := parts[part.name]; ok && part.name != "" {
			if body = replaced; body == nil {
				continue
			}
		}
		msg = append(append(msg, part.tag, byte(len(body))), body...)
	}
	return msg
}

func zipped(tb testing.TB, raw []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func gunzip(tb testing.TB, data []byte) []byte {
	tb.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// FuzzDecode fuzzes what is inside the gzip, since gzip has a checksum.
func FuzzDecode(f *testing.F) {
	f.Add(gunzip(f, labelledProfile(f)))
	f.Add(message(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		snap, err := stacks.Decode(zipped(t, raw))
		if err != nil && snap != nil {
			t.Error("an error and a snapshot")
		}
		for id, gs := range snap {
			for _, g := range gs {
				if id == "" || g.Count < 1 || len(g.Frames) == 0 || g.State == "" {
					t.Errorf("%q: %+v", id, g)
				}
			}
		}
	})
}
