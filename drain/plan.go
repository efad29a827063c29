package drain

import (
	"math/rand/v2"
	"time"
)

const (
	// unlimited is what a context without a deadline leaves.
	unlimited = time.Duration(1<<63 - 1)
	// settling is how long nothing may have been in progress before silent connections are closed: a
	// request that a guard further out holds back comes by then, and what a handler has written last is
	// with its client. net/http waits for more than 5 s, and serves nothing that they send meanwhile.
	settling = time.Second
	// lastMoments is how long Shutdown waits after the end of its context for what it has cut to be gone.
	lastMoments = 100 * time.Millisecond
)

// delayOf is when the listeners close, if the context leaves so much.
func delayOf(want, left time.Duration) time.Duration { return min(want, left/2) }

// marginOf is how long before the end of the context what is left is cut by force, so that it is gone by
// then.
func marginOf(left time.Duration) time.Duration { return min(left/10, time.Second) }

// spreadOf is over how long n connections are ended, if the context leaves so much until they are cut.
func spreadOf(want, left time.Duration, n int) time.Duration {
	most := left - left/5
	switch {
	case want > 0:
		return min(want, most)
	case left == unlimited:
		most = DefaultSpread
	}
	if time.Duration(n) < most/time.Second { // nats-server waits a second for each at the most, too
		return time.Duration(n) * time.Second
	}
	return most
}

// turnOf is when the i-th of n has its turn: the time is divided among them, and each comes at random in
// its part. So they are spread evenly and no two servers go in step.
func turnOf(i, n int, spread time.Duration, random float64) time.Duration {
	return time.Duration((float64(i) + random) / float64(n) * float64(spread))
}

// shuffled puts what is kept in random order.
func shuffled(ks []*kept) []*kept {
	rand.Shuffle(len(ks), func(i, j int) { ks[i], ks[j] = ks[j], ks[i] })
	return ks
}
