// Package summary says of an execution what took how long: in a sentence, as shares of the time, and as a
// timeline of goroutines that is small enough to be drawn.
//
//	summary.Fill(&res, x, stacks.ThisProgram(), redact.New())
//	fmt.Print(summary.Text(&res))
package summary

import (
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// Fill sets what the execution tells: Took, Sentence, Shares, Timeline and Pauses, and of each run what it
// took unless that is set. To Problems it adds those that it finds.
//
// Runs and Backends are to be set before, for the sentence tells of them. The result has no secrets, and
// nothing that breaks a line; as JSON what is set takes at most 1 MiB.
func Fill(res *result.Result, x *exectrace.Execution, program stacks.Program, secrets redact.List) {
}

// Text is the result for a terminal: the sentence, what took longest, the backends, the goroutines, what is
// missing. Whatever the result has in it, it is plain text without control characters.
func Text(res *result.Result) string { return "" }

// Top is the n largest shares, a line for each.
func Top(res *result.Result, n int) string { return "" }
