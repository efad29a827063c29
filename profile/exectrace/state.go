package exectrace

// A State is what a goroutine does, or waits for.
type State uint8

const (
	Running  State = iota // on a processor
	Assist                // on a processor, but helping the garbage collector, which has a claim on who allocates
	Runnable              // could run, if the scheduler gave it a processor
	Network               // waits for a connection: internal/poll, with deadlines and all
	Lock                  // waits for a sync.Mutex, RWMutex, WaitGroup, Cond or the like
	Channel               // sends to or receives from a channel
	Select                // waits in a select
	Sleep                 // sleeps
	Syscall               // is in a system call, or in C
	GC                    // waits for the garbage collector
	Waiting               // waits for something else
	numStates
)

var stateNames = [numStates]string{"running", "assist", "runnable", "network", "lock", "channel", "select", "sleep", "syscall", "gc", "other"}

// String is the name of the state, and of the profile's sample type that counts it.
func (s State) String() string { return stateNames[s] }

// States are all of them, in order.
func States() []State {
	all := make([]State, numStates)
	for i := range all {
		all[i] = State(i)
	}
	return all
}
