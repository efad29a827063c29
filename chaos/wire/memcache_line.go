package wire

import (
	"bytes"
	"math"
)

// memcacheCodes are the ways in which an answer may begin, by which answers are told apart.
type memcacheCodes uint16

const (
	codeHD memcacheCodes = 1 << iota
	codeVA
	codeEN
	codeNF
	codeNS
	codeEX
	codeME
	codeMN
	codeText  // what is not from a meta command: STORED, END, a number
	codeError // ERROR, CLIENT_ERROR, SERVER_ERROR
	codeMore  // a line of an answer that has more
)

// A memcacheCommand is what a client's line says.
type memcacheCommand struct {
	answer memcacheCodes // how its answer may end
	quiet  memcacheCodes // what it may say in spite of its flag q; a command with it has no answer
	silent bool          // noreply, or quit
	quit   bool
	stores bool  // there is a data block
	size   int64 // of the data block
}

// maxKey is how long a key may be. What follows a longer one the server takes for a command.
const maxKey = 250

// parse reads a line, without its line break. It is false for what is not known, and for what a server
// might take for something else.
func (c *memcacheCommand) parse(line []byte) bool {
	*c = memcacheCommand{answer: codeText}
	name, rest := word(line)
	switch string(name) {
	case "set", "add", "replace", "append", "prepend":
		return c.store(rest, 4)
	case "cas":
		return c.store(rest, 5)
	case "delete":
		c.silent = noreply(rest, 2)
	case "incr", "decr", "touch":
		c.silent = noreply(rest, 3)
	case "flush_all", "verbosity", "cache_memlimit":
		c.silent = noreply(rest, 1)
	case "quit":
		c.silent, c.quit = true, true
	case "lru_crawler": // its mgdump ends with EN
		c.answer |= codeEN
	case "mn":
		c.answer = codeMN
	case "me":
		c.answer = codeME | codeEN
	case "mg":
		c.meta(rest, 1, codeHD|codeVA|codeEN, codeEN)
	case "ms":
		key, after := word(rest)
		size, _ := word(after)
		c.stores, c.size = true, decimal(size)
		c.meta(rest, 2, codeHD|codeNS|codeEX|codeNF, codeHD)
		return len(key) <= maxKey && 0 <= c.size && c.size <= math.MaxInt32-2
	case "md":
		c.meta(rest, 1, codeHD|codeNF|codeEX, codeHD)
	case "ma":
		c.meta(rest, 1, codeHD|codeVA|codeNF|codeNS|codeEX, codeHD|codeVA)
	case "watch", "shutdown":
		return false
	}
	for _, b := range name { // what is unknown has ERROR for an answer, as an empty line has
		if (b < 'a' || b > 'z') && b != '_' {
			return false
		}
	}
	return true
}

// store reads the words behind set, or cas, which are at least as many.
func (c *memcacheCommand) store(words []byte, least int) bool {
	key, rest := word(words)
	flags, rest := word(rest)
	expires, rest := word(rest)
	size, rest := word(rest)
	c.stores, c.size = true, decimal(size)
	if least == 5 {
		var unique []byte
		if unique, rest = word(rest); len(unique) > 20 || len(bytes.Trim(unique, "0123456789")) > 0 || len(unique) == 0 {
			return false
		}
	}
	last, rest := word(rest)
	more, _ := word(rest)
	c.silent = string(last) == "noreply"
	inRange := decimal(flags) >= 0 && decimal(flags) <= math.MaxUint32 && 0 <= c.size && c.size <= math.MaxInt32-2
	expiry := decimal(bytes.TrimPrefix(expires, []byte("-")))
	return len(key) <= maxKey && inRange && expiry >= 0 && expiry <= math.MaxInt32 && len(more) == 0
}

// meta reads the flags behind so many words: v asks for a value, q hushes the usual answer.
func (c *memcacheCommand) meta(words []byte, skip int, answer, hushed memcacheCodes) {
	quiet, hit := false, codeHD
	for i := 0; len(words) > 0; i++ {
		var flag []byte
		if flag, words = word(words); i >= skip && len(flag) > 0 {
			quiet = quiet || flag[0] == 'q'
			if flag[0] == 'v' {
				hit = codeVA
			}
		}
	}
	c.answer = answer&^(codeHD|codeVA) | answer&hit
	if quiet {
		c.quiet = c.answer &^ hushed
	}
}

// noreply says whether that is the last of at least so many words.
func noreply(words []byte, least int) bool {
	var last []byte
	n := 0
	for {
		next, rest := word(words)
		if len(next) == 0 {
			return n >= least && string(last) == "noreply"
		}
		last, words = next, rest
		n++
	}
}

// word parts the first word from what follows it. It is empty if there is none.
func word(s []byte) (first, rest []byte) {
	for len(s) > 0 && s[0] == ' ' {
		s = s[1:]
	}
	end := bytes.IndexByte(s, ' ')
	if end < 0 {
		return s, nil
	}
	return s[:end], s[end:]
}

// memcacheAnswer reads a server's line: how it begins, and how long the data block behind it is, -1 where
// there is none. It is false for a length that is none.
func memcacheAnswer(line []byte) (code memcacheCodes, size int64, ok bool) {
	first, rest := word(line)
	switch string(first) {
	case "VALUE":
		_, rest = word(rest) // key
		_, rest = word(rest) // flags
		length, _ := word(rest)
		size = decimal(length)
		return codeMore, size, size >= 0
	case "VA":
		length, _ := word(rest)
		size = decimal(length)
		return codeVA, size, size >= 0
	case "STAT", "ITEM", "PREFIX", "mg":
		return codeMore, -1, true
	case "ERROR", "CLIENT_ERROR", "SERVER_ERROR":
		return codeError, -1, true
	case "HD":
		return codeHD, -1, true
	case "EN":
		return codeEN, -1, true
	case "NF":
		return codeNF, -1, true
	case "NS":
		return codeNS, -1, true
	case "EX":
		return codeEX, -1, true
	case "ME":
		return codeME, -1, true
	case "MN":
		return codeMN, -1, true
	}
	if bytes.HasPrefix(first, []byte("key=")) {
		return codeMore, -1, true
	}
	return codeText, -1, true
}

// A memcacheBlock is what is still to come of a data block. The zero value is none.
type memcacheBlock struct {
	left int64
	tail int // bytes of the line break behind it
}

func (b *memcacheBlock) open() bool { return b.left > 0 || b.tail > 0 }

// eat goes over the block, and says how much of data that is. Zero of data that is not empty: no line
// break where it must be.
func (b *memcacheBlock) eat(data []byte) int {
	n := int(min(b.left, int64(len(data))))
	b.left -= int64(n)
	for b.left == 0 && b.tail > 0 && n < len(data) && data[n] == "\n\r"[b.tail-1] {
		n++
		b.tail--
	}
	return n
}
