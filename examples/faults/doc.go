// Package faults has no code: its tests drive every fault of chaos against every protocol, with the
// clients and the servers that people use, and write down what the client saw, in docs/chaos.md.
//
//go:generate go test -run TestEachFaultOnEachProtocol -count=1 . -update
package faults
