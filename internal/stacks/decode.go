package stacks

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// decode reads a gzipped goroutine profile and keeps the goroutines that bear our label.
//
// It is a decoder of its own, not github.com/google/pprof/profile, because it leaves alone the samples
// that bear no label of ours: at 100,000 goroutines that is nearly all of them.
func decode(data []byte) (Snapshot, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("stacks: goroutine profile: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("stacks: goroutine profile: %w", err)
	}
	p := profile{locations: map[uint64][]byte{}, functions: map[uint64][]byte{}, frames: map[uint64][]Frame{}}
	if err := p.index(raw); err != nil {
		return nil, fmt.Errorf("stacks: goroutine profile: %w", err)
	}
	snap, err := p.snapshot()
	if err != nil {
		return nil, fmt.Errorf("stacks: goroutine profile: %w", err)
	}
	return snap, nil
}

// A profile is the protocol buffer of github.com/google/pprof/proto/profile.proto, split into its parts,
// which are read when they are needed.
type profile struct {
	samples   [][]byte
	locations map[uint64][]byte
	functions map[uint64][]byte
	strings   [][]byte
	frames    map[uint64][]Frame // by location, as far as read: the innermost first
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

var errRange = errors.New("index out of range")

func (p *profile) index(raw []byte) error {
	return fields(raw, func(num int, _ uint64, body []byte) error {
		switch num {
		case profileSample:
			p.samples = append(p.samples, body)
		case profileLocation, profileFunction:
			id, err := number(body, entryID)
			if err != nil {
				return err
			}
			if num == profileLocation {
				p.locations[id] = body
			} else {
				p.functions[id] = body
			}
		case profileString:
			p.strings = append(p.strings, body)
		}
		return nil
	})
}

func (p *profile) snapshot() (Snapshot, error) {
	snap := Snapshot{}
	for _, s := range p.samples {
		id, err := p.label(s)
		if err != nil {
			return nil, err
		}
		if id == "" {
			continue
		}
		g, err := p.goroutine(s)
		if err != nil {
			return nil, err
		}
		snap[id] = append(snap[id], g)
	}
	return snap, nil
}

// label is the value of a sample's label of ours, or empty.
func (p *profile) label(sample []byte) (id string, err error) {
	err = fields(sample, func(num int, _ uint64, body []byte) error {
		if num != sampleLabel || id != "" {
			return nil
		}
		key, err := number(body, labelKey)
		if err != nil {
			return err
		}
		if name, err := p.bytes(key); err != nil || string(name) != Label {
			return err
		}
		value, err := number(body, labelString)
		if err != nil {
			return err
		}
		b, err := p.bytes(value)
		id = string(b)
		return err
	})
	return id, err
}

func (p *profile) goroutine(sample []byte) (Goroutine, error) {
	count, frames := uint64(0), []Frame(nil)
	err := fields(sample, func(num int, v uint64, body []byte) error {
		switch num {
		case sampleLocation:
			return numbers(v, body, func(id uint64) error {
				at, err := p.location(id)
				frames = append(frames, at...)
				return err
			})
		case sampleValue:
			return numbers(v, body, func(n uint64) error { count = n; return nil })
		}
		return nil
	})
	if err != nil {
		return Goroutine{}, err
	}
	g := Goroutine{Count: int(min(max(count, 1), 1<<30)), State: state(frames), Pool: pool(frames)}
	g.Frames = trim(frames)
	return g, nil
}

// location is the calls at one address: more than one where calls were inlined.
func (p *profile) location(id uint64) ([]Frame, error) {
	if frames, ok := p.frames[id]; ok {
		return frames, nil
	}
	body, ok := p.locations[id]
	if !ok {
		return nil, errRange
	}
	var frames []Frame
	err := fields(body, func(num int, _ uint64, line []byte) error {
		if num != locationLine {
			return nil
		}
		f, err := p.line(line)
		frames = append(frames, f)
		return err
	})
	p.frames[id] = frames
	return frames, err
}

func (p *profile) line(body []byte) (Frame, error) {
	id, err := number(body, lineFunction)
	if err != nil {
		return Frame{}, err
	}
	at, err := number(body, lineNumber)
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
	return Frame{Func: name, File: file, Line: int(min(at, 1<<30))}, err
}

// text is the string that a field of a message refers to.
func (p *profile) text(body []byte, field int) (string, error) {
	i, err := number(body, field)
	if err != nil {
		return "", err
	}
	b, err := p.bytes(i)
	return string(b), err
}

func (p *profile) bytes(i uint64) ([]byte, error) {
	if i >= uint64(len(p.strings)) {
		return nil, errRange
	}
	return p.strings[i], nil
}
