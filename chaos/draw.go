package chaos

// What is drawn depends on the seed and on what it is drawn for, never on the time or on what was drawn
// before: so the same seed and the same traffic give the same faults, whichever goroutine comes first.

// Salts keep apart what is drawn for the same thing.
const (
	saltShare uint64 = iota + 1
	saltDraw
	saltRand
	saltPick
)

// mix makes one number of two, all bits of it depending on all bits of both (splitmix64, Steele et
// al. 2014).
func mix(a, b uint64) uint64 {
	z := a ^ (b+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// mixString makes one number of a number and a name.
func mixString(a uint64, s string) uint64 {
	for i := range len(s) {
		a = mix(a, uint64(s[i]))
	}
	return a
}

// unit makes a number in [0, 1) of 64 random bits.
func unit(bits uint64) float64 { return float64(bits>>11) / (1 << 53) }
