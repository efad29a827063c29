//go:build !unix

package main

// room is how many connections a process can have, as far as is known.
func room() int { return 1 << 20 }
