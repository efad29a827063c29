package main_test

import (
	"reflect"
	"strings"
	"testing"

	heeler "github.com/heeler-go/heeler/cmd/heeler"
)

func TestWhatAFileSaysIsReadAsPythonReadsIt(t *testing.T) {
	const text = "\ufeff# a comment\r\n" +
		"[one]\r\n" +
		"a=1\r\n" +
		"b : two words \r\n" +
		"; another\n" +
		"c = x;y  ; behind a blank it is a comment\n" +
		"d =\n" +
		"e = \" ; kept \"  ; not kept\n" +
		"f = ${HOST}:${PORT}\n" +
		"g = \"${HOST}\"\n" +
		"h = a=b:c\n" +
		"\n" +
		"[ two ] ; x\n"
	all, err := heeler.ParseINI(text, map[string]string{"HOST": "localhost", "PORT": "80"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]string{{"a", "1"}, {"b", "two words"}, {"c", "x;y"}, {"d", ""}, {"e", " ; kept "},
		{"f", "localhost:80"}, {"g", "${HOST}"}, {"h", "a=b:c"}}
	if len(all) != 2 || all[0].Name() != "one" || all[1].Name() != "two" {
		t.Fatalf("the sections are %+v", all)
	}
	if got := all[0].Keys(); !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%q\nwant\n%q", got, want)
	}
}

// FuzzINI reads anything, and what could be read also when it is written out again.
func FuzzINI(f *testing.F) {
	for _, text := range []string{
		"[vaurien]\nproxy = 0.0.0.0:8181\nbackend = 0.0.0.0:8080\nbehavior = 100:hang\n",
		"[behavior:delay]\nsleep: 2 ; seconds\nbefore = \"no\"\n", "[a]\nb = ${C}\n", "[", "[]", "=", "[a]\n:", "[a];\n;\n",
		"[a]\nb = \"\"\"", "[a]\r\nb\r=c\n", "\ufeff[a]", "[a]\n[a]", "[a]\nb=1\nB=2\nb_=3\nb-=4",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := heeler.ParseINI(text, map[string]string{"C": "d", "E": "\x00\n"})
		if err != nil {
			if n, _, ok := strings.Cut(err.Error(), ":"); !ok || strings.Trim(n, "0123456789") != "" {
				t.Fatalf("no line in %v", err)
			}
			return
		}
		var b strings.Builder
		for _, part := range all {
			b.WriteString("[" + part.Name() + "]\n")
			for _, key := range part.Keys() {
				if strings.ContainsAny(key[1], "\"\x00") {
					return // cannot be written
				}
				b.WriteString(key[0] + " = \"" + key[1] + "\"\n")
			}
		}
		again, err := heeler.ParseINI(b.String(), nil)
		if err != nil {
			t.Fatalf("%v in\n%s\nwritten for %q", err, b.String(), text)
		}
		if len(again) != len(all) {
			t.Fatalf("%d sections, and read again %d", len(all), len(again))
		}
		for i := range all {
			if all[i].Name() != again[i].Name() || !reflect.DeepEqual(all[i].Keys(), again[i].Keys()) {
				t.Fatalf("%q: read again it is %q", all[i].Keys(), again[i].Keys())
			}
		}
	})
}

// FuzzFlags takes any command line, each line an argument, and what was taken also in the other spelling.
func FuzzFlags(f *testing.F) {
	for _, line := range []string{
		"--protocol\nmysql\n--proxy\n:3307\n--backend=127.0.0.1:3306\n--http", "--behavior=20:delay,5:error\n--behavior-delay-sleep\n2",
		"--behavior_slow_close_delay\n300ms\n-seed=7\n--\n--x", "--\n", "-\n", "---x", "--=", "--timeout=1e300", "--timeout\nInf",
		"--stay-connected\n--log-level\nWARNING", "--behavior-corrupt-rate=nan", "--http=off\nx",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		flags, rest, err := heeler.ParseFlags(strings.Split(line, "\n"))
		if err != nil {
			if text := err.Error(); len(text) > 1000 || strings.TrimSpace(text) == "" {
				t.Fatalf("the error is %q", text)
			}
			return
		}
		var args []string
		for _, flag := range flags {
			name, value := flag.NameValue()
			args = append(args, "--"+name+"="+value)
		}
		args = append(append(args, "--"), rest...)
		flags2, rest2, err := heeler.ParseFlags(args)
		if err != nil || !reflect.DeepEqual(flags, flags2) || len(rest)+len(rest2) > 0 && !reflect.DeepEqual(rest, rest2) {
			t.Fatalf("%q is %+v %q; as %q it is %+v %q, %v", line, flags, rest, args, flags2, rest2, err)
		}
	})
}
