package journal

import "time"

// saveEvery is how long a cursor may wait for those that follow it, so that ten thousand records do not cost
// ten thousand syncs.
const saveEvery = time.Second

// A keeper writes the newest of the cursors that it is given, at once if it has not written any for
// saveEvery, else when that is over. It holds nobody up. What cannot be written is tried again, and told once a
// minute.
type keeper struct {
	save   func(cursor string) error
	report func(err error)
	newest chan string // has room for one
	ending chan struct{}
	ended  chan error // what the last save said, unless it went well
}

func startKeeper(save func(string) error, report func(error)) *keeper {
	k := &keeper{save: save, report: report, newest: make(chan string, 1), ending: make(chan struct{}), ended: make(chan error, 1)}
	go k.keep()
	return k
}

// note gives it a cursor in place of the one that waits, if any. It is not for concurrent use.
func (k *keeper) note(cursor string) {
	select {
	case <-k.newest:
	default:
	}
	k.newest <- cursor
}

// close writes what waits and ends the goroutine.
func (k *keeper) close() error {
	close(k.ending)
	return <-k.ended
}

func (k *keeper) keep() {
	unsaved := ""
	var told time.Time
	for {
		select {
		case unsaved = <-k.newest:
		case <-k.ending:
			k.ended <- k.last(unsaved)
			return
		}
		for unsaved != "" {
			if err := k.save(unsaved); err == nil {
				unsaved = ""
			} else if told.IsZero() || time.Since(told) >= time.Minute {
				k.report(err)
				told = time.Now()
			}
			select {
			case <-time.After(saveEvery):
			case <-k.ending:
				k.ended <- k.last(unsaved)
				return
			}
			select {
			case unsaved = <-k.newest:
			default:
			}
		}
	}
}

// last saves the newest cursor, if there is one that was not.
func (k *keeper) last(unsaved string) error {
	select {
	case unsaved = <-k.newest:
	default:
	}
	if unsaved == "" {
		return nil
	}
	return k.save(unsaved)
}
