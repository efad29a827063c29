//go:build !race

package main_test

// raceEnabled builds the command as the tests are built.
const raceEnabled = false
