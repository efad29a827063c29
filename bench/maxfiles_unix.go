//go:build unix

package main

import "syscall"

// raiseMaxFiles has this process open as many files as it is allowed to, and says how many that is. The
// hard limit can be raised, too, by those who have the right.
func raiseMaxFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	higher := limit
	higher.Cur, higher.Max = max(limit.Max, enoughFiles), max(limit.Max, enoughFiles)
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &higher) == nil {
		return int(higher.Cur)
	}
	limit.Cur = limit.Max
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	return int(min(limit.Cur, enoughFiles))
}
