package stacks

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// decode reads a gzipped goroutine profile and keeps the goroutines that bear our label.
//
// It is a decoder of its own, not github.com/google/pprof/profile, because it leaves alone the samples
// that bear no label of ours, which are nearly all: for 100,000 goroutines on stacks that differ it
// took a fifth of the time and a quarter of the memory, 11 ms and 22 MB.
func decode(data []byte) (Snapshot, error) {
	snap, err := decodeRaw(data)
	if err != nil {
		return nil, fmt.Errorf("stacks: goroutine profile: %w", err)
	}
	return snap, nil
}

func decodeRaw(data []byte) (Snapshot, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	p := profile{
		locations: map[uint64][]byte{},
		functions: map[uint64][]byte{},
		frames:    map[uint64][]int{},
		frameIDs:  map[Frame]int{},
		stackIDs:  map[string]int{},
	}
	if err := p.index(raw); err != nil {
		return nil, err
	}
	return p.snapshot()
}

// A profile is the protocol buffer of github.com/google/pprof/proto/profile.proto, split into its parts,
// which are read when they are needed. Equal frames and equal stacks are kept once, whatever the
// addresses: `go f()` in two places leads to stacks that look the same.
type profile struct {
	samples   [][]byte
	locations map[uint64][]byte
	functions map[uint64][]byte
	strings   [][]byte

	frames   map[uint64][]int // of each location that was read: indexes into allFrames, innermost first
	frameIDs map[Frame]int    // indexes into allFrames
	stackIDs map[string]int   // indexes into allStacks, by the indexes of the frames

	allFrames []Frame
	allStacks []Goroutine
	key       []byte // of stackIDs, being made
}

// Field numbers of profile.proto.
const (
	profileSample, profileLocation, profileFunction, profileString = 2, 4, 5, 6
	sampleLocation, sampleValue, sampleLabel                       = 1, 2, 3
	labelKey, labelString                                          = 1, 2
	entryID                                                        = 1 // of a location or a function
	locationLine                                                   = 4
	lineFunction, lineNumber                                       = 1, 2
	functionName, functionFile                                     = 2, 4
)

// most is the largest count or line number that is believed.
const most = 1 << 30

var errRange = errors.New("index out of range")

// index finds the parts of the profile.
func (p *profile) index(raw []byte) error {
	return fields(raw, func(num int, _ uint64, body []byte) error {
		switch num {
		case profileSample:
			p.samples = append(p.samples, body)
		case profileString:
			p.strings = append(p.strings, body)
		case profileLocation, profileFunction:
			id, err := number(body, entryID)
			if num == profileLocation {
				p.locations[id] = body
			} else {
				p.functions[id] = body
			}
			return err
		}
		return nil
	})
}

func (p *profile) snapshot() (Snapshot, error) {
	type standing struct {
		id    string
		stack int
	}
	snap, at := Snapshot{}, map[standing]int{}
	for _, s := range p.samples {
		id, err := p.label(s)
		if err != nil {
			return nil, err
		}
		if id == "" {
			continue
		}
		count, stack, err := p.sample(s)
		if err != nil {
			return nil, err
		}
		if i, ok := at[standing{id, stack}]; ok {
			snap[id][i].Count += count
			continue
		}
		g := p.allStacks[stack]
		if len(g.Frames) == 0 {
			continue // it has not begun to run
		}
		g.Count = count
		at[standing{id, stack}] = len(snap[id])
		snap[id] = append(snap[id], g)
	}
	return snap, nil
}

// label is the value of a sample's label of ours, or empty.
func (p *profile) label(sample []byte) (id string, err error) {
	err = fields(sample, func(num int, _ uint64, body []byte) error {
		if num != sampleLabel {
			return nil
		}
		if key, err := p.text(body, labelKey); err != nil || string(key) != Label {
			return err
		}
		value, err := p.text(body, labelString)
		id = string(value)
		return err
	})
	return id, err
}

// sample is how many goroutines a sample stands for, and the index of their stack.
func (p *profile) sample(msg []byte) (count, stack int, err error) {
	p.key = p.key[:0]
	err = fields(msg, func(num int, v uint64, body []byte) error {
		switch num {
		case sampleLocation:
			return numbers(v, body, func(id uint64) error {
				frames, err := p.location(id)
				for _, f := range frames {
					p.key = binary.LittleEndian.AppendUint32(p.key, uint32(f))
				}
				return err
			})
		case sampleValue:
			return numbers(v, body, func(n uint64) error { count = int(min(n, most)); return nil })
		}
		return nil
	})
	return max(count, 1), p.stack(), err
}

// stack is the index of the stack whose key was made.
func (p *profile) stack() int {
	if i, ok := p.stackIDs[string(p.key)]; ok {
		return i
	}
	frames := make([]Frame, 0, len(p.key)/4)
	for key := p.key; len(key) > 0; key = key[4:] {
		frames = append(frames, p.allFrames[binary.LittleEndian.Uint32(key)])
	}
	i := len(p.allStacks)
	p.allStacks = append(p.allStacks, Goroutine{State: state(frames), Pool: pool(frames), Frames: trim(frames)})
	p.stackIDs[string(p.key)] = i
	return i
}

// location is the calls at one address: more than one where calls were inlined.
func (p *profile) location(id uint64) ([]int, error) {
	if frames, ok := p.frames[id]; ok {
		return frames, nil
	}
	body, ok := p.locations[id]
	if !ok {
		return nil, errRange
	}
	var frames []int
	err := fields(body, func(num int, _ uint64, line []byte) error {
		if num != locationLine {
			return nil
		}
		f, err := p.line(line)
		frames = append(frames, p.intern(f))
		return err
	})
	p.frames[id] = frames
	return frames, err
}

// intern is the index of a frame.
func (p *profile) intern(f Frame) int {
	i, ok := p.frameIDs[f]
	if !ok {
		i = len(p.allFrames)
		p.frameIDs[f] = i
		p.allFrames = append(p.allFrames, f)
	}
	return i
}

func (p *profile) line(body []byte) (Frame, error) {
	id, err := number(body, lineFunction)
	if err != nil {
		return Frame{}, err
	}
	line, err := number(body, lineNumber)
	if err != nil {
		return Frame{}, err
	}
	function, ok := p.functions[id]
	if !ok {
		return Frame{}, errRange
	}
	name, err := p.text(function, functionName)
	if err != nil {
		return Frame{}, err
	}
	file, err := p.text(function, functionFile)
	return Frame{Func: string(name), File: string(file), Line: int(min(line, most))}, err
}

// text is the string that a field of a message refers to.
func (p *profile) text(msg []byte, field int) ([]byte, error) {
	i, err := number(msg, field)
	if err != nil {
		return nil, err
	}
	if i >= uint64(len(p.strings)) {
		return nil, errRange
	}
	return p.strings[i], nil
}
