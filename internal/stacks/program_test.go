package stacks_test

import (
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/stacks"
)

func TestApplicationIsToldFromLibrary(t *testing.T) {
	shop := "github.com/acme/shop"
	for _, test := range []struct {
		module, fn, file string
		want             bool
	}{
		{shop, "main.main", "/src/shop/main.go", true},
		{"", "main.(*server).home", "/src/shop/main.go", true},
		{shop, "main.main", "_testmain.go", false},
		{shop, "github.com/acme/shop.Open", "/src/shop/shop.go", true},
		{shop, "github.com/acme/shop/cart.(*Store).Save", "/src/shop/cart/store.go", true},
		{shop, "github.com/acme/shop/cart.(*Store[go.shape.struct { x/y.Z }]).Save.func1", "/src/shop/cart/store.go", true},
		{"", "main.(*Store[go.shape.struct { x/y.Z }]).Save", "/src/shop/store.go", true},
		{shop, "github.com/acme/shop_test.TestOpen", "/src/shop/shop_test.go", true},
		{shop, "github.com/acme/auth.Check", "/go/pkg/mod/github.com/acme/auth@v1.0.0/auth.go", true},
		{shop, "github.com/acme/auth.Check", "/src/shop/vendor/github.com/acme/auth/auth.go", false},
		{shop, "github.com/acme/shop.Open", "/home/joe/vendor/shop/shop.go", true},
		{shop, "github.com/acmetools/auth.Check", "/go/pkg/mod/github.com/acmetools/auth@v1.0.0/auth.go", false},
		{shop, "github.com/gin-gonic/gin.(*Context).Next", "/go/pkg/mod/github.com/gin-gonic/gin@v1.10.0/context.go", false},
		{shop, "net/http.HandlerFunc.ServeHTTP", "/usr/local/go/src/net/http/server.go", false},
		{shop, "main.(*shop).routes.(*CrossOriginProtection).Handler.func13", "/usr/local/go/src/net/http/csrf.go", false},
		{shop, "runtime.gopark", "/usr/local/go/src/runtime/proc.go", false},
		{shop, "vendor/golang.org/x/net/http/httpguts.ValidHostHeader", "/usr/local/go/src/vendor/x.go", false},
		{shop + "/v2", "github.com/acme/shop/v2/cart.Save", "/src/shop/cart/store.go", true},
		{"gopkg.in/acme.v3", "gopkg.in/acme%2ev3.Open", "/src/acme.go", true},
		{"gopkg.in/acme.v3", "gopkg.in/other%2ev1.Open", "/go/pkg/mod/other.go", false},
		{"go.acme.dev/shop", "go.acme.dev/auth.Check", "/go/pkg/mod/auth.go", true},
		{"shop", "shop/cart.Save", "/src/shop/cart/store.go", true},
		{"shop", "shopping/cart.Save", "/src/shopping/cart/store.go", false},
		{"acme/shop", "acme/auth.Check", "/src/auth/auth.go", false},
		{"acme/shop", "sort.Slice", "/usr/local/go/src/sort/slice.go", false},
		{"", "github.com/acme/shop.Open", "/src/shop/shop.go", false},
		// heeler itself
		{shop, "github.com/heeler-go/heeler/slowlog.(*Watch).Wrap.func1", "/go/slowlog/watch.go", false},
		{"github.com/heeler-go/heeler", "github.com/heeler-go/heeler/slowlog.Wrap", "/src/slowlog/watch.go", false},
		{"github.com/heeler-go/heeler", "github.com/heeler-go/heeler/internal/stacks.Sweep", "/src/stacks.go", false},
		{"github.com/heeler-go/heeler", "github.com/heeler-go/heeler/slowlog_test.slow", "/src/slowlog/watch_test.go", true},
		{"github.com/heeler-go/heeler", "github.com/heeler-go/heeler/slowlog.slow", "/src/slowlog/in_test.go", true},
		{"github.com/heeler-go/heeler/examples", "github.com/heeler-go/heeler/examples/shop.Run", "/src/shop.go", true},
		{"github.com/heeler-go/heeler/examples", "github.com/heeler-go/heeler/breaker.Do", "/src/breaker.go", false},
	} {
		if got := (stacks.Program{Module: test.module, Std: "/usr/local/go/src/"}).App(test.fn, test.file); got != test.want {
			t.Errorf("in %q, %s of %s: application %v, want %v", test.module, test.fn, test.file, got, test.want)
		}
	}
}

func TestATestBinaryIsTheProgramUnderTest(t *testing.T) {
	if p := stacks.ThisProgram(); p.Module != "github.com/heeler-go/heeler" {
		t.Errorf("the main module is %q", p.Module)
	}
}

func TestTheStandardLibraryIsFound(t *testing.T) {
	frame, _ := runtime.CallersFrames([]uintptr{reflect.ValueOf(strings.Cut).Pointer() + 1}).Next()
	if p := stacks.ThisProgram(); !strings.HasPrefix(frame.File, p.Std) || !strings.HasSuffix(p.Std, "/src/") {
		t.Errorf("%s is not below %q", frame.File, p.Std)
	}
}
