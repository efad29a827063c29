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
	redisIsConfig
	redisIsMulti
	redisIsExec
	redisIsReset
	redisIsHello
	redisIsClient
	redisIsScript
	redisIsSubscription
	redisIsOther // another protocol follows
)

// redisLower gives a word in lower case; empty if it is longer than those that mean something.
func redisLower(word []byte, into *[redisWordMax]byte) []byte {
	if len(word) > len(into) {
		return nil
	}
	for i, c := range word {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		into[i] = c
	}
	return into[:len(word)]
}

func (w *redisWords) is(i int, word string) bool {
	var buf [redisWordMax]byte
	return string(redisLower(w.first[i], &buf)) == word
}

// special looks the command's name up.
func (w *redisWords) special() redisSpecial {
	var buf [redisWordMax]byte
	switch name := redisLower(w.first[0], &buf); string(name) {
	case "auth", "acl", "migrate":
		return redisIsSecret
	case "config":
		return redisIsConfig
	case "multi":
		return redisIsMulti
	case "exec", "discard":
		return redisIsExec
	case "reset":
		return redisIsReset
	case "hello":
		return redisIsHello
	case "client":
		return redisIsClient
	case "script":
		return redisIsScript
	case "monitor", "sync", "psync", "replconf":
		return redisIsOther
	default:
		if redisVerbOf(name) != redisNoVerb && redisVerbOf(name) != redisNews {
			return redisIsSubscription
		}
	}
	return redisOrdinary
}

// redisVerbOf reads a verb in lower case.
func redisVerbOf(word []byte) redisVerb {
	switch string(word) {
	case "subscribe":
		return redisSub
	case "unsubscribe":
		return redisUnsub
	case "psubscribe":
		return redisPSub
	case "punsubscribe":
		return redisPUnsub
	case "ssubscribe":
		return redisSSub
	case "sunsubscribe":
		return redisSUnsub
	case "message", "pmessage", "smessage":
		return redisNews
	}
	return redisNoVerb
}

// meaning notes a command and says what it is as a request. It is not ok if what follows cannot be
// told apart.
func (t *redisTalk) meaning(words *redisWords) (part Part, ok bool) {
	was := t.mute
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
	case redisIsConfig:
		part.Secret = true
		asked.kind = redisGuarded
	case redisIsMulti:
		if alone && !t.multi {
			t.multi = true
			t.multis++
			asked = redisAsked{kind: redisMulti, n: t.multis}
		}
	case redisIsExec:
		if alone {
			t.multi = false
		}
	case redisIsReset:
		if alone {
			t.multi = false
			asked.kind = redisReset
		}
	case redisIsHello:
		part.Secret = true
		asked.kind = redisHello
	case redisIsSubscription:
		asked = words.subscription()
	case redisIsScript:
		if words.count == 3 && words.is(1, "debug") {
			return part, false
		}
	case redisIsClient:
		if words.count == 3 && words.is(1, "reply") {
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
	verb := redisVerbOf(redisLower(w.first[0], &buf))
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
	case words.is(2, "on"):
		t.mute, part.Silent = redisSpeak, false
	case words.is(2, "off"):
		t.mute, part.Silent = redisOff, true
	case words.is(2, "skip"):
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
