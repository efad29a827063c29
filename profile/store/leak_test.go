package store_test

import (
	"os"
	"testing"

	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) {
	if os.Getenv(diskEnv) != "" {
		os.Exit(onDisk()) // this is the process that disk_test.go has started
	}
	leak.Main(m)
}
