package exectrace_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime/trace"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

func Example() {
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		fmt.Println(err)
		return
	}
	trace.WithRegion(context.Background(), "breakfast", func() {
		toast := make(chan string)
		go func() {
			time.Sleep(30 * time.Millisecond)
			toast <- "toast"
		}()
		<-toast
	})
	trace.Stop()

	x, err := exectrace.Read(&b, "breakfast")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("goroutines:", len(x.Goroutines))
	for _, step := range x.Path() {
		if step.Length() > 20*time.Millisecond {
			fmt.Println("most of the time:", step.State) // not "channel": the wait was for a sleeper
		}
	}
	// Output:
	// goroutines: 2
	// most of the time: sleep
}
