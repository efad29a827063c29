// Package result is what is kept of a profiled request, and what its page is made from.
package result

import "time"

// A Result is one profiled request. All text in it is free of secrets.
type Result struct {
	ID    string // unguessable
	User  string // who asked for it, and may see it
	State State
	// Turn says, of one that waits, who is before it.
	Turn string

	Method, URI, Host string // of the request
	Machine           string // that ran it: host name, process ID
	GoVersion         string
	Asked             time.Time     // when
	Began             time.Time     // when the first run did; zero before
	Took              time.Duration // that all runs took
	Runs              []Run

	// Sentence says what took how long: "412 ms: 60 % waiting for mysql, 21 % lock in
	// cart.(*Store).Save, 9 % CPU".
	Sentence string
	Shares   []Share // of Took, the largest first
	Timeline Timeline
	Backends []Backend
	Pauses   []Pause
	Problems []string // what is missing or not exact, and why, each a sentence

	Response *Response // kept on request; nil if not
	Profile  []byte    `json:"-"` // for go tool pprof, compressed; nil if there is none
	Trace    []byte    `json:"-"` // for go tool trace; nil if it could not be kept
}

// A State is how far a profile is.
type State string

const (
	Waits  State = "waiting" // for its turn
	Runs   State = "running" // the request is being served
	Reads  State = "reading" // the trace is being read
	Done   State = "done"    // the profile is there
	Failed State = "failed"  // there is none; Problems say why
)

// A Run is one time that the request was served.
type Run struct {
	Took   time.Duration
	Status int    // of the response
	Bytes  int64  // of its body
	Panic  string // what the handler panicked with; "" if it did not
}

// A Share is a part of the time that the request took.
type Share struct {
	What  string // "waiting for mysql", "lock in cart.(*Store).Save", "CPU"
	Where string // the application's own innermost frame, file:line; "" if there is none
	State string // the exectrace.State's name
	Time  time.Duration
	Times int // how often
}

// A Timeline is what the request's goroutines did, cut into cells of equal length for drawing.
type Timeline struct {
	Rows []Row
	More int // goroutines that have no row, as there are too many
}

// A Row is one goroutine's.
type Row struct {
	ID, Parent int64
	Name       string // of the function that it was started with
	Bars       []Bar
	Calls      []CallBar
}

// A Bar is a time in one state. Times count from the start of the first run.
type Bar struct {
	From, To time.Duration
	State    string // the exectrace.State's name
	What     string // in words: "waiting for the network in main.find"
	Waker    string // who ended the wait, in words; "" if that is not known
}

// A CallBar is one call to a backend.
type CallBar struct {
	From, To time.Duration
	Backend  string
	What     string // its statement
}

// A Backend counts the calls to one.
type Backend struct {
	Name                   string
	Calls, Errors, Refused int
	Time                   time.Duration
	Statements             []Statement // the most frequent first
}

// Repeated is how many times the same statement in a run are worth a word: by then a loop makes the calls.
const Repeated = 10

// A Statement counts the calls with one text, which has no values.
type Statement struct {
	Text  string
	Calls int
	Time  time.Duration
}

// A Pause is a time in which the whole program was held, or the garbage collector worked.
type Pause struct {
	From, To time.Duration
	What     string
	World    bool // nothing else ran
}

// A Response is the application's own answer.
type Response struct {
	Status int
	Header map[string][]string
	Body   []byte `json:"-"`
	Cut    bool   // the body was longer
}
