package alert_test

import (
	"testing"

	"github.com/heeler-go/heeler/alert"
)

func TestAFrameIsNamedWithoutDirectories(t *testing.T) {
	for _, c := range []struct{ fn, name string }{
		{"main.main", "main.main"},
		{"github.com/acme/shop/cart.(*Store).Save", "cart.(*Store).Save"},
		{"github.com/acme/shop/cart.Map[github.com/acme/shop/item.Item].func1", "cart.Map[item.Item].func1"},
		{"github.com/acme/shop/cart.Map[...]", "cart.Map[...]"},
		{"", ""},
	} {
		if got := (alert.Frame{Func: c.fn}).Name(); got != c.name {
			t.Errorf("%s is named %s, want %s", c.fn, got, c.name)
		}
	}
}
