package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
	heeler "github.com/heeler-go/heeler/cmd/heeler"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestTheHelpIsAsItIsKept(t *testing.T) {
	for name, args := range map[string][]string{
		"help.txt": {"help"}, "chaos.txt": {"chaos", "--help"}, "ctl.txt": {"help", "ctl"}, "follow.txt": {"follow", "-h"},
	} {
		got := runs(t, binary, args...)
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("heeler %s is not as in %s; if it is right, run the test with -update\n%s", strings.Join(args, " "), path, got)
		}
		for line := range strings.Lines(got) {
			if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 104 {
				t.Errorf("%s: a line of %d characters: %s", name, n, line)
			}
		}
	}
}

func TestTheHelpTellsOfEachBehaviorAndProtocol(t *testing.T) {
	help := runs(t, binary, "chaos", "--help")
	var names []string
	for _, b := range chaos.Behaviors() {
		names = append(names, b.Name())
		for _, a := range chaos.Attributes(b) {
			flag := "--behavior-" + strings.ReplaceAll(b.Name()+"-"+a.Name, "_", "-")
			if !regexp.MustCompile(`(?m)^    ` + flag + `\b`).MatchString(help) {
				t.Errorf("there is nothing of %s", flag)
			}
		}
	}
	for _, p := range wire.Protocols() {
		names = append(names, p.Name())
	}
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^  ` + name + ` +[a-zA-Z]`).MatchString(help) {
			t.Errorf("there is nothing of %s", name)
		}
	}
}

// words takes a command line apart as a shell does, as far as the help goes.
func words(line string) (all []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1) {
		all = append(all, strings.Trim(word, `"`))
	}
	return all
}

func TestTheExamplesOfTheHelpWork(t *testing.T) {
	t.Setenv("HEELER_SLACK_URL", "https://hooks.slack.com/services/T0/B0/x")
	t.Setenv("HEELER_SMTP_PASSWORD", "x")
	count := 0
	for _, command := range []string{"", "chaos", "ctl", "follow"} {
		help := strings.ReplaceAll(runs(t, binary, strings.Fields("help "+command)...), "\\\n", "")
		for _, example := range regexp.MustCompile(`(?m)^  heeler (chaos|ctl|follow) ( *[-\w].*)$`).FindAllStringSubmatch(help, -1) {
			if !strings.Contains(example[2], "-") {
				continue // it is the list of commands
			}
			count++
			args := words(example[2])
			_, err := heeler.ReadChaos(args)
			switch example[1] {
			case "ctl":
				err = heeler.ReadCtl(args)
			case "follow":
				err = heeler.ReadFollow(args)
			}
			if err != nil {
				t.Errorf("%s: %v", example[0], err)
			}
		}
	}
	if count < 14 {
		t.Errorf("only %d examples have been found", count)
	}
}

func TestTheFileInTheHelpWorks(t *testing.T) {
	t.Setenv("REDIS", "127.0.0.1:6379")
	var b strings.Builder
	for line := range strings.Lines(runs(t, binary, "chaos", "--help")) {
		line = strings.TrimPrefix(line, "  ")
		if regexp.MustCompile(`^(\[[\w:]+\]|\w+ = .*)\n$`).MatchString(line) {
			b.WriteString(line)
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 13 {
		t.Fatalf("%d lines found, want 13:\n%s", n, b.String())
	}
	if _, err := heeler.ReadChaos([]string{"--config", file(t, "x.ini", b.String())}); err != nil {
		t.Error(err)
	}
}
