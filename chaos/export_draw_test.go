package chaos

// Drawn gives an event what is drawn for it: by the proxy's seed, for its connection and request.
func Drawn(seed uint64, e Event) *Event {
	e.key = mix(mix(mixString(seed, "fault"), e.Conn), e.Request)
	return &e
}
