//go:build !linux

package main

import "time"

// keepAwake does nothing where we do not know how: round trips are then longer, of all alike.
func keepAwake() {}

// cpuTime is zero where we do not know how to ask.
func cpuTime() time.Duration { return 0 }
