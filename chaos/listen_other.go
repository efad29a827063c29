//go:build !linux

package chaos

// pause lets clients be refused. Another program could take the port meanwhile.
func (l *listener) pause() error { return l.ln.Close() }

// resume lets clients connect again.
func (l *listener) resume() error { return l.reopen() }
