//go:build !linux

package spool_test

import "errors"

func mountSmall(string, int) error { return errors.New("not on this system") }

func isNoSpace(error) bool { return true }
