package main

import (
	"net/http"
	"strings"
	"testing"
)

const profileThis = "Profile this page"

func TestOnlyTheAdminIsOfferedAProfile(t *testing.T) {
	v := visit(t)
	if _, body := v.get("/authors"); strings.Contains(body, profileThis) {
		t.Error("a visitor is offered a profile")
	}
	if resp, _ := v.get("/admin/WRONG"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("who has a wrong key is answered %s", resp.Status)
	}
	if _, body := v.get("/admin/" + v.shop.adminKey); !strings.Contains(body, profileThis) {
		t.Error("the admin is offered none")
	}
	if _, body := v.get("/search?q=whale"); !strings.Contains(body, `href="/search?q=whale&amp;__profile__"`) {
		t.Error("the link does not keep what was searched for")
	}
}

func TestAVisitorWhoAsksForAProfileGetsThePage(t *testing.T) {
	v := visit(t)
	_, usual := v.get("/search?q=whale")
	_, asked := v.get("/search?q=whale&__profile__=inline")
	if asked != usual {
		t.Errorf("the answer is another:\n%s\nwant:\n%s", asked, usual)
	}
	if n := v.shop.prof.Stats().Asked; n != 0 {
		t.Errorf("%d profiles were asked for", n)
	}
}

func TestTheAdminHasAPageProfiledThatTakesLongerThanItMay(t *testing.T) {
	v := visit(t)
	v.get("/admin/" + v.shop.adminKey)
	v.turn("mysql", "slow 100ms") // 31 times: three limits
	resp, body := v.get("/authors?__profile__=inline")
	if resp.StatusCode != http.StatusOK || !strings.Contains(body, "% waiting for mysql") {
		t.Errorf("%s\n%s", resp.Status, body)
	}
	if stats := v.shop.box.Stats(); stats.Exceeded != 0 {
		t.Errorf("%d requests reached their limit", stats.Exceeded)
	}
	if reports := v.shop.slow.Recent(); len(reports) != 0 {
		t.Errorf("there is a report on the profiled request: %s", reports[0].URI)
	}
}
