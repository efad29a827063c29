package journal

import (
	"context"
	"errors"
)

// Run hands records to Handle until ctx ends, and returns [context.Cause] of it then, after the cursor was
// written. Any other error says that it could not begin: a field that Validate refuses, a cursor file that
// is locked by another Follower or cannot be read, a journalctl that cannot be started or does not answer. Once it
// has begun only ctx ends it. When it returns, journalctl has ended and no goroutine is left.
func (f *Follower) Run(ctx context.Context) error {
	if err := f.Validate(); err != nil {
		return err
	}
	return errors.ErrUnsupported
}
