package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/heeler-go/heeler/chaos"
)

// The functions below make the set of an option.

// setToken takes what a header can bear. What it does not take is not shown.
func setToken(to *string) func(string) error {
	return func(value string) error {
		if value == "" || strings.TrimSpace(value) != value || strings.ContainsFunc(value, unicode.IsControl) {
			return errors.New("is not shown here, want no control characters, no blanks around it, and not nothing")
		}
		*to = value
		return nil
	}
}

// checkToken is for what has come from the environment.
func checkToken(token string) error {
	if strings.ContainsFunc(token, unicode.IsControl) {
		return misused("", "HEELER_TOKEN has control characters, want none")
	}
	return nil
}

// setFilled is setText for what cannot be empty.
func setFilled(to *string, want string) func(string) error {
	return func(value string) error {
		if value == "" {
			return bad(value, want)
		}
		*to = value
		return nil
	}
}

func setSwitch(to *bool) func(string) error {
	return func(value string) error {
		on, err := truth(value)
		*to = on
		return err
	}
}

// truth reads a boolean as Vaurien does.
func truth(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "yes", "y", "on", "1":
		return true, nil
	case "false", "no", "n", "off", "0":
		return false, nil
	}
	return false, bad(value, "true or false")
}

// setAddr takes what chaos takes.
func setAddr(to *string) func(string) error {
	return func(value string) error {
		if value == "" || (&chaos.Proxy{Backend: value}).Validate() != nil {
			return bad(value, "host:port or unix:/path")
		}
		*to = value
		return nil
	}
}

// setHost takes what net.JoinHostPort takes, and brackets around an address of IPv6.
func setHost(to *string) func(string) error {
	return func(value string) error {
		host := value
		if inner, ok := strings.CutPrefix(value, "["); ok {
			host = strings.TrimSuffix(inner, "]")
		}
		if _, err := netip.ParseAddr(host); host == "" || err != nil && strings.ContainsAny(host, "[]:/ ") {
			return bad(value, "a host without its port, such as localhost or ::1")
		}
		*to = host
		return nil
	}
}

func setPort(to *int) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return bad(value, "a port from 0, which is any free one, to 65535")
		}
		*to = int(n)
		return nil
	}
}

func setUint(to *uint64, want string) func(string) error {
	return func(value string) error {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return bad(value, want)
		}
		*to = n
		return nil
	}
}

// setTime takes seconds, as Vaurien does, and times with a unit.
func setTime(to *time.Duration) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if seconds, numErr := strconv.ParseFloat(value, 64); numErr == nil && math.Abs(seconds) < 1e6 {
			d, err = time.Duration(seconds*float64(time.Second)), nil
		}
		if err != nil || d <= 0 || d > chaos.Longest {
			return bad(value, fmt.Sprintf("seconds, or a time such as 300ms, more than 0 and at most %v", chaos.Longest))
		}
		*to = d
		return nil
	}
}

// setOneOf takes one of a few words, in lower or upper case.
func setOneOf(to *string, words ...string) func(string) error {
	return func(value string) error {
		for _, word := range words {
			if strings.EqualFold(value, word) {
				*to = word
				return nil
			}
		}
		return bad(value, oneOf(words, value))
	}
}

// setAttribute changes an attribute of one of some behaviors. Whether the behavior is then as a whole as
// it must be can only be told when all its attributes are set.
func setAttribute(behaviors []chaos.Behavior, i int, attribute string) func(string) error {
	return func(value string) error {
		b, err := chaos.ParseAttributes(behaviors[i], map[string]string{attribute: value})
		var wrong *chaos.AttributeError
		if errors.As(err, &wrong) {
			return bad(value, wrong.Want)
		}
		if err == nil {
			behaviors[i] = b
		}
		return err
	}
}
