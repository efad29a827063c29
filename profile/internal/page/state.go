package page

import "github.com/heeler-go/heeler/profile/exectrace"

// A kind is how a state of a goroutine, or a sample type of the profile, is shown.
type kind struct {
	Class string // in the style sheet, which has one colour for it everywhere
	Words string
}

// kinds are by the names that profile/exectrace gives to states, and the profile to its sample types.
var kinds = map[string]kind{
	"wall":          {"k-wall", "all time"},
	"running":       {"k-running", "running on a CPU"},
	"assist":        {"k-assist", "helping the garbage collector"},
	"runnable":      {"k-runnable", "waiting for a CPU"},
	"network":       {"k-network", "waiting for the network"},
	"lock":          {"k-lock", "waiting for a lock"},
	"channel":       {"k-channel", "waiting for a channel"},
	"select":        {"k-select", "waiting in a select"},
	"sleep":         {"k-sleep", "asleep"},
	"syscall":       {"k-syscall", "in a system call"},
	"gc":            {"k-gc", "waiting for the garbage collector"},
	"other":         {"k-other", "waiting for something else"},
	"cpu":           {"k-running", "CPU samples"},
	"samples":       {"k-running", "number of CPU samples"},
	"alloc_space":   {"k-alloc", "bytes allocated"},
	"alloc_objects": {"k-alloc", "objects allocated"},
}

// stateNames are the states in the order in which a legend has them.
var stateNames = func() (names []string) {
	for _, s := range exectrace.States() {
		names = append(names, s.String())
	}
	return names
}()

// kindOf is how a state or sample type is shown. What is not known, as it may come from a newer program,
// has its own name and the colour of what is other.
func kindOf(name string) kind {
	if k, ok := kinds[name]; ok {
		return k
	}
	return kind{"k-other", name}
}
