package offpath_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

func Example() {
	mails := &offpath.Queue[string]{Do: func(ctx context.Context, to string) {
		fmt.Println("mail to", to)
	}}
	mails.Offer("ann@example.com")
	mails.Offer("bob@example.com")

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := mails.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(mails.Stats().Done, "done")
	// Output:
	// mail to ann@example.com
	// mail to bob@example.com
	// 2 done
}

type userKey struct{}

// What a handler wants done after its response knows the request's user, and is not cancelled with the
// request.
func ExampleGo() {
	var after offpath.Queue[offpath.Func]
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offpath.Go(r.Context(), &after, func(ctx context.Context) {
			fmt.Println("audit:", ctx.Value(userKey{}), "bought a book;", ctx.Err())
		})
		fmt.Println("the answer is on its way")
	})

	ctx, end := context.WithCancel(context.WithValue(context.Background(), userKey{}, "ann"))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/buy", nil))
	end() // as net/http does when the handler has returned

	after.Close(context.Background())
	// Output:
	// the answer is on its way
	// audit: ann bought a book; <nil>
}

// What is left when the time is up is returned, to be kept elsewhere.
func ExampleQueue_Close() {
	q := &offpath.Queue[string]{Do: func(ctx context.Context, v string) {
		<-ctx.Done() // a backend that hangs
	}}
	for _, v := range []string{"a", "b", "c"} {
		q.Offer(v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	left, err := q.Close(ctx)
	fmt.Println(left, errors.Is(err, context.DeadlineExceeded))
	// Output: [b c] true
}
