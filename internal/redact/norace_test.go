//go:build !race

package redact_test

const slow = 1
