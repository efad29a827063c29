package main

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/profile"
)

// adminCookie shows who the shop's admin is: whoever came by the link that only the terminal has.
const adminCookie = "shop_admin"

// enter makes whoever has the key the admin.
func (s *shop) enter(w http.ResponseWriter, r *http.Request) error {
	if !s.isKey(r.PathValue("key")) {
		return errNoPage
	}
	http.SetCookie(w, &http.Cookie{Name: adminCookie, Value: s.adminKey, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/authors", http.StatusSeeOther)
	return nil
}

// isAdmin says who may profile.
func (s *shop) isAdmin(r *http.Request) (user string, ok bool) {
	cookie, err := r.Cookie(adminCookie)
	return "admin", err == nil && s.isKey(cookie.Value)
}

func (s *shop) isKey(key string) bool {
	return subtle.ConstantTimeCompare([]byte(key), []byte(s.adminKey)) == 1
}

// profileLink is where the page that is asked for is profiled, for the admin.
func (s *shop) profileLink(r *http.Request) string {
	if _, ok := s.isAdmin(r); !ok || r.Method != http.MethodGet {
		return ""
	}
	uri := r.URL.RequestURI()
	if strings.Contains(uri, "?") {
		return uri + "&" + profile.DefaultParam
	}
	return uri + "?" + profile.DefaultParam
}
