//go:build race

package summary_test

const raced = true
