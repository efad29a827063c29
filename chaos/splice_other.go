//go:build !linux

package chaos

// splice is for systems that can pass bytes on without looking at them: this one goes on as usual.
func (p *pump) splice() error {
	p.filled = false
	return nil
}
