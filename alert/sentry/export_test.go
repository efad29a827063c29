package sentry

// SplitFunc is for the tests.
var SplitFunc = splitFunc
