package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/heeler-go/heeler/profile/store"
)

func ExampleMemory() {
	var s store.Memory // 100 entries, 64 MiB, 24 hours
	fmt.Println(s.Create("4f1d", []byte("a result")))
	data, err := s.Get("4f1d")
	fmt.Printf("%s %v\n", data, err)
	_, err = s.Get("e07b")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	// Output:
	// <nil>
	// a result <nil>
	// store: e07b: file does not exist true
}

// Two replicas of a program share a directory.
func ExampleDir() {
	path, err := os.MkdirTemp("", "profiles")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(path)
	one := &store.Dir{Path: path, MaxBytes: 1 << 30}
	other := &store.Dir{Path: path, MaxBytes: 1 << 30}
	fmt.Println(one.Create("4f1d", []byte("a result")))
	data, err := other.Get("4f1d")
	fmt.Printf("%s %v\n", data, err)
	fmt.Println(other.Create("4f1d", nil))
	// Output:
	// <nil>
	// a result <nil>
	// store: 4f1d: file already exists
}
