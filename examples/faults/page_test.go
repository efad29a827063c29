package faults_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos"
)

var update = flag.Bool("update", false, "write what the clients saw into docs/chaos.md")

const (
	pageFile = "../../docs/chaos.md"
	sources  = "../../chaos"
)

// compare holds the page against what has been measured.
func compare(t *testing.T, page string) {
	t.Helper()
	if *update {
		must(t, os.WriteFile(pageFile, []byte(page), 0o644))
		return
	}
	old, err := os.ReadFile(pageFile)
	must(t, err)
	was := strings.Split(string(old), "\n")
	for i, line := range strings.Split(page, "\n") {
		if i >= len(was) || was[i] != line {
			t.Errorf("line %d is now\n%s\nsee whether that is as it should be; go generate ./faults writes the page", i+1, line)
		}
	}
	if len(was) > strings.Count(page, "\n")+1 {
		t.Errorf("the page ends with lines that are not written any more; go generate ./faults writes the page")
	}
}

const intro = `# What a client sees of each fault

This page is written by a test, [examples/faults](../examples/faults), and checked by it: real clients
have met each fault of package chaos in front of real servers. To write it again:

    cd examples && go generate ./faults

## How to read the tables

Each client has one connection. A fault is set, the client makes one request and waits for at most
two seconds; then the fault is taken away, and the client makes the next one. Times are told in words, so that
they are the same on any machine.

| word | what happened |
|---|---|
| good | the right answer, and not held up |
| good, late | the right answer, after the time that the fault is about |
| timeout | nothing, until the client gave up |
| reset | "connection reset by peer" |
| closed | the connection ended in order: EOF |
| refused | "connection refused" |
| broken | the connection was gone when the client turned to it; a reset for most, while some clients find out by themselves, and tell what they met when they tried another one |
| an error | noise, in the client's own words, which are another's with other noise |
| wrong data, unnoticed | noise, taken for an answer |
| ` + "`*mysql.MySQLError 1213`" + ` and the like | the client's own type of error, and what it has for the code |
| “…” | an error without a type of its own, in the client's words |
| ; new | the client could not use its connection afterwards, and made another one. Without this, the next request went over the same one. |

All faults are set as they are here, with what is not named being zero, and always strike.

`

// page writes the whole page.
func page(t *testing.T, all []backend, results []column) string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("## A connection that stands when the fault is set\n\n")
	table(&b, all, standing, func(i, j int) cell { return results[j].standing[i] })
	b.WriteString(`
What to see in it: an ` + "`error`" + ` costs no connection, on any protocol. It does within a transaction, where
the backend would otherwise keep half of what the client thinks has failed: MySQL's, PostgreSQL's, and
Redis' with watched keys. gomemcache is the exception, and by its own choice: it closes its connection after any error of the server, for which it has no type either; a
client that goes on can, as another test shows. Where the proxy is told nothing of the protocol, in the column TCP,
the error is noise. With ` + "`hang`" + `, LDAP's answers may come in any order, so that
its client may go on without the one that is missing.

## A client that connects after the fault is set

`)
	table(&b, all, connecting, func(i, j int) cell { return cell{saw: results[j].connecting[i].saw, next: kept} })
	b.WriteString("\n## The faults\n\nThe names are those of the control API, of the command line and of files, and so are the attributes. Their\nvalues are those that a fault has there unless it is told others.\n")
	types := docs(t)
	for _, behavior := range chaos.Behaviors() {
		describe(&b, behavior, types[reflect.TypeOf(behavior).Name()])
	}
	return b.String()
}

func table(b *strings.Builder, all []backend, rows []row, at func(row, column int) cell) {
	head, line := "| fault |", "|---|"
	for _, x := range all {
		head += fmt.Sprintf(" %s: %s, %s |", x.name, x.client, x.server)
		line += "---|"
	}
	fmt.Fprintf(b, "%s\n%s\n", head, line)
	for i, r := range rows {
		fmt.Fprintf(b, "| %s |", r.label())
		for j := range all {
			c := at(i, j)
			text := codes.ReplaceAllString(strings.ReplaceAll(c.saw, "|", "\\|"), "`$0`")
			if c.next != kept {
				text += "; " + c.next
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteString("\n")
	}
}

// codes are the types of errors in a cell.
var codes = regexp.MustCompile(`\*\w+\.\w+ [\w ]+|redis\.Error \w+`)

// label is a fault as it is set, in the words of the control API.
func (r row) label() string {
	text := r.name()
	for _, a := range chaos.Attributes(r.behavior) {
		if a.Value != "" && a.Value != "0" && a.Value != "false" {
			text += " " + a.Name + "=" + a.Value
		}
	}
	text = "`" + text + "`"
	switch {
	case r.coded:
		text += " with a code"
	case r.both:
		text += ", both ways"
	case r.calls > 1:
		text += fmt.Sprintf(", %d requests", r.calls)
	}
	return text
}

// describe writes what a behavior is: its comment in the source, and its attributes.
func describe(b *strings.Builder, behavior chaos.Behavior, text string) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", behavior.Name(), strings.TrimSpace(links.ReplaceAllString(text, "$1")))
	all := chaos.Attributes(behavior)
	if len(all) == 0 {
		return
	}
	b.WriteString("\n| attribute | value | unit | |\n|---|---|---|---|\n")
	for _, a := range all {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", a.Name, a.Value, a.Unit, a.Help)
	}
}

// links are those in comments.
var links = regexp.MustCompile(`\[([\w.]+)\]`)

// docs are the comments on the types of package chaos.
func docs(t *testing.T) map[string]string {
	names, err := filepath.Glob(filepath.Join(sources, "*.go"))
	must(t, err)
	set := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		must(t, err)
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(set, files, "github.com/heeler-go/heeler/chaos")
	must(t, err)
	all := map[string]string{}
	for _, typ := range pkg.Types {
		all[typ.Name] = typ.Doc
	}
	return all
}
