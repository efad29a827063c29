//go:build !unix

package main

import "time"

// cpuTime is zero where we do not know how to ask.
func cpuTime() time.Duration { return 0 }
