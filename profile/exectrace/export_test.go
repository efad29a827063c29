package exectrace

// ReadUpTo is Read with another limit to the intervals.
var ReadUpTo = read
