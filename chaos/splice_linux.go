package chaos

func (p *pump) splice() error {
	p.filled = false
	return nil
}
