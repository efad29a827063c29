//go:build race

package redact_test

const slow = 16 // times slower, by the race detector
