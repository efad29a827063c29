package wire

// redisVerb is what SUBSCRIBE and its like are called, in a command and where it is confirmed.
type redisVerb uint8

const (
	redisNoVerb redisVerb = iota
	redisSub
	redisUnsub
	redisPSub
	redisPUnsub
	redisSSub
	redisSUnsub
	redisNews // a message of any of the three kinds
)

// redisSpecial is what a command's name says that matters here.
type redisSpecial uint8

const (
	redisOrdinary redisSpecial = iota
	redisIsSecret
	redisIsGuarded // its answer is secret, too
	redisIsWatch
	redisIsUnwatch
	redisIsMulti
	redisIsExec
	redisIsDiscard
	redisIsReset
	redisIsHello
	redisIsClient
	redisIsScript
	redisIsSubscription
	redisIsOther // another protocol follows
)

func (w *redisWords) is(i int, word string) bool {
	var buf [redisWordMax]byte
	return string(upper(w.first[i], buf[:])) == word
}

// special looks the command's name up.
func (w *redisWords) special() redisSpecial {
	var buf [redisWordMax]byte
	switch name := upper(w.first[0], buf[:]); string(name) {
	case "AUTH", "MIGRATE":
		return redisIsSecret
	case "ACL", "CONFIG", "SENTINEL":
		return redisIsGuarded
	case "WATCH":
		return redisIsWatch
	case "UNWATCH":
		return redisIsUnwatch
	case "MULTI":
		return redisIsMulti
	case "EXEC":
		return redisIsExec
	case "DISCARD":
		return redisIsDiscard
	case "RESET":
		return redisIsReset
	case "HELLO":
		return redisIsHello
	case "CLIENT":
		return redisIsClient
	case "SCRIPT":
		return redisIsScript
	case "MONITOR", "SYNC", "PSYNC", "REPLCONF":
		return redisIsOther
	default:
		if redisVerbOf(name) != redisNoVerb && redisVerbOf(name) != redisNews {
			return redisIsSubscription
		}
	}
	return redisOrdinary
}

// redisVerbOf reads a verb in capitals.
func redisVerbOf(word []byte) redisVerb {
	switch string(word) {
	case "SUBSCRIBE":
		return redisSub
	case "UNSUBSCRIBE":
		return redisUnsub
	case "PSUBSCRIBE":
		return redisPSub
	case "PUNSUBSCRIBE":
		return redisPUnsub
	case "SSUBSCRIBE":
		return redisSSub
	case "SUNSUBSCRIBE":
		return redisSUnsub
	case "MESSAGE", "PMESSAGE", "SMESSAGE":
		return redisNews
	}
	return redisNoVerb
}

// meaning notes a command and says what it is as a request. It is not ok if what follows cannot be
// told apart.
func (t *redisTalk) meaning(words *redisWords) (part Part, ok bool) {
	was := t.mute
	t.what, t.watched = words.what, t.watching
	part = Part{Silent: was != redisSpeak, Joined: t.multi}
	if was == redisSkip {
		t.mute = redisSpeak
	}
	asked := redisAsked{}
	alone := words.count == 1
	rare := part.Silent || t.multi // where these commands do what nobody needs
	switch words.what {
	case redisIsOther:
		return part, false
	case redisIsSecret:
		part.Secret = true
	case redisIsGuarded:
		part.Secret = true
		asked.kind = redisGuarded
		t.guards = t.multi
	case redisIsWatch:
		t.watching = t.watching || !t.multi && !alone
	case redisIsUnwatch:
		t.watching = t.watching && (t.multi || !alone)
	case redisIsMulti:
		if alone && !t.multi {
			t.multi, t.guards = true, false
			t.multis++
			asked = redisAsked{kind: redisMulti, n: t.multis}
		}
	case redisIsExec, redisIsDiscard:
		if alone && t.multi {
			t.multi, t.watching = false, false
			if t.guards {
				asked.kind = redisGuarded
			}
		}
	case redisIsReset:
		if alone {
			t.multi, t.watching = false, false
			asked.kind = redisReset
		}
	case redisIsHello:
		part.Secret = true
		asked.kind = redisHello
	case redisIsSubscription:
		asked = words.subscription()
	case redisIsScript:
		if words.count == 3 && words.is(1, "DEBUG") {
			return part, false
		}
	case redisIsClient:
		if words.count == 3 && words.is(1, "REPLY") {
			return t.clientReply(words, was, part)
		}
	}
	if rare && (asked.kind == redisHello || asked.kind == redisSubscribe) || part.Silent && asked.kind == redisReset {
		return part, false
	}
	t.unmute = t.mute
	if !part.Silent {
		t.ask(asked)
	}
	return part, true
}

// subscription is what SUBSCRIBE and its like are answered with: one confirmation for each argument,
// without any one for each subscription there is. SUBSCRIBE without arguments is an error.
func (w *redisWords) subscription() redisAsked {
	var buf [redisWordMax]byte
	verb := redisVerbOf(upper(w.first[0], buf[:]))
	switch verb {
	case redisSub, redisPSub, redisSSub:
		if w.count == 1 {
			return redisAsked{}
		}
	}
	return redisAsked{kind: redisSubscribe, verb: verb, n: uint32(w.count - 1)}
}

// clientReply is for CLIENT REPLY ON, OFF and SKIP, of which only ON is answered, and always.
func (t *redisTalk) clientReply(words *redisWords, was redisMute, part Part) (Part, bool) {
	if t.multi {
		return part, false
	}
	switch {
	case words.is(2, "ON"):
		t.mute, part.Silent = redisSpeak, false
	case words.is(2, "OFF"):
		t.mute, part.Silent = redisOff, true
	case words.is(2, "SKIP"):
		if t.mute != redisOff {
			t.mute = redisSkip
		}
		part.Silent = true
	}
	t.unmute = was
	if !part.Silent {
		t.ask(redisAsked{})
	}
	return part, true
}
