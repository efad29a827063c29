package page_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func ExampleServe() {
	res := &result.Result{State: result.Done, Method: "GET", URI: "/cart", Took: 412 * time.Millisecond,
		Sentence: "412 ms: 60 % waiting for mysql, 21 % lock in cart.(*Store).Save, 9 % CPU"}
	w := httptest.NewRecorder()
	page.Serve(w, httptest.NewRequest("GET", "/__profile__/4f1d/", nil), res, "", page.Options{})
	fmt.Println(w.Code, strings.Contains(w.Body.String(), res.Sentence))
	// Output: 200 true
}
