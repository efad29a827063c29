package capture

import (
	"context"
	"time"
)

// TryTracer starts the tracer and stops it again.
func TryTracer(ctx context.Context, patience time.Duration) error {
	t, err := startTracer(ctx, defaultMaxTrace, patience, nil)
	if err == nil {
		t.stop()
	}
	return err
}
