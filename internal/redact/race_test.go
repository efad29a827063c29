//go:build race

package redact_test

const slow = 10 // the race detector
