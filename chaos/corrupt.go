package chaos

import (
	"math"
	"slices"
)

// Corrupt replaces bytes by random ones. Which, and by what, the seed and their place in the stream
// decide, in whatever pieces they come.
type Corrupt struct {
	// Rate is how many of the bytes are struck, from 0 to 1.
	Rate float64 `attr:"rate" help:"the share of the bytes that are replaced by random ones, from 0 to 1"`
}

// block is how many bytes are drawn for together: bytes in the middle of a stream can be drawn for
// without all before them.
const block = 64

const saltBlock uint64 = 1 << 32

// Name is "corrupt".
func (Corrupt) Name() string { return "corrupt" }

// Strike replaces bytes.
func (c Corrupt) Strike(e *Event) {
	if e.Moment != Write || c.Rate <= 0 || e.Again {
		return
	}
	var (
		first = e.Passed
		last  = first + int64(len(e.Data))
		miss  = math.Log1p(-c.Rate)
		none  = math.Exp(block * miss) // of a block's bytes is struck
		own   = false
	)
	for at := first - first%block; at < last; at += block {
		draws := mix(e.key, saltBlock+uint64(at/block))
		for i := int64(0); i < block; i++ {
			// How many bytes are passed over before the next: a geometric distribution.
			draws = mix(draws, 0)
			u := 1 - unit(draws)
			if u <= none {
				break
			}
			i += int64(math.Log(u) / miss)
			if i >= block || at+i >= last {
				break
			}
			if at+i < first {
				continue
			}
			if !own {
				e.Data, own = slices.Clone(e.Data), true
			}
			e.Data[at+i-first] = byte(draws) // its low bits, that unit leaves out
		}
	}
}

// Scale strikes fewer bytes.
func (c Corrupt) Scale(strength float64) Behavior {
	return Corrupt{Rate: c.Rate * min(max(strength, 0), 1)}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (c Corrupt) Validate() error { return between(c, "rate", c.Rate, 0, 1) }
