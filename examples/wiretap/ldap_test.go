package wiretap_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// dialLDAP binds with go-ldap through a tap.
func dialLDAP(t *testing.T, tp *tap, db *servers.Server) *ldap.Conn {
	t.Helper()
	conn, err := ldap.DialURL("ldap://" + tp.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.Bind(db.User, db.Password); err != nil {
		t.Fatal(err)
	}
	tp.counts(0)
	return conn
}

// person is an entry to be added.
func person(db *servers.Server, name string) *ldap.AddRequest {
	add := ldap.NewAddRequest("cn="+name+","+db.Database, nil)
	add.Attribute("objectClass", []string{"inetOrgPerson"})
	add.Attribute("sn", []string{name})
	add.Attribute("userPassword", []string{"pw"})
	return add
}

// everything is a search that finds all there is.
func everything(db *servers.Server, controls ...ldap.Control) *ldap.SearchRequest {
	return ldap.NewSearchRequest(db.Database, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, controls)
}

func TestACallOfGoLDAPIsOneRequest(t *testing.T) {
	db := servers.LDAP(t)
	tp := listen(t, wire.LDAP, db.Addr)
	conn := dialLDAP(t, tp, db)
	dn := func(name string) string { return "cn=" + name + "," + db.Database }
	fails := func(want uint16, err error) error {
		if !ldap.IsErrorWithCode(err, want) {
			return fmt.Errorf("%v, want code %d", err, want)
		}
		return nil
	}
	search := func(want int, r *ldap.SearchRequest) error {
		found, err := conn.Search(r)
		if err == nil && len(found.Entries) != want {
			err = fmt.Errorf("%d entries, want %d", len(found.Entries), want)
		}
		return err
	}
	for _, step := range []struct {
		name     string
		do       func() error
		requests int
	}{
		{"bind", func() error { return conn.Bind(db.User, db.Password) }, 1},
		{"bind in vain", func() error { return fails(49, conn.Bind(db.User, "x")) }, 1},
		{"bind as nobody", func() error { return conn.UnauthenticatedBind("") }, 1},
		{"not allowed", func() error { return fails(8, conn.Add(person(db, "x"))) }, 1},
		{"SASL", func() error { return errOnly(conn.ExternalBind()) }, 1},
		{"bind again", func() error { return conn.Bind(db.User, db.Password) }, 1},
		{"add", func() error { return conn.Add(person(db, "a")) }, 1},
		{"add again", func() error { return fails(68, conn.Add(person(db, "a"))) }, 1},
		{"modify", func() error {
			r := ldap.NewModifyRequest(dn("a"), nil)
			r.Replace("description", []string{strings.Repeat("x", 200_000)})
			return conn.Modify(r)
		}, 1},
		{"compare", func() error { _, err := conn.Compare(dn("a"), "sn", "a"); return err }, 1},
		{"compare in vain", func() error { _, err := conn.Compare(dn("a"), "sn", "b"); return err }, 1},
		{"rename", func() error { return conn.ModifyDN(ldap.NewModifyDNRequest(dn("a"), "cn=b", true, "")) }, 1},
		{"more", func() error {
			for i := range 300 {
				if err := conn.Add(person(db, fmt.Sprint("p", i))); err != nil {
					return err
				}
			}
			return nil
		}, 300},
		{"search", func() error { return search(302, everything(db)) }, 1},
		{"search in vain", func() error {
			r := everything(db)
			r.BaseDN = "dc=none"
			return fails(32, search(0, r))
		}, 1},
		{"search in pages", func() error {
			found, err := conn.SearchWithPaging(everything(db), 100)
			if err == nil && len(found.Entries) != 302 {
				err = fmt.Errorf("%d entries", len(found.Entries))
			}
			return err
		}, 4},
		{"who am I", func() error { _, err := conn.WhoAmI(nil); return err }, 1},
		{"password", func() error {
			_, err := conn.PasswordModify(ldap.NewPasswordModifyRequest(dn("b"), "pw", "new"))
			return err
		}, 1},
		{"unknown operation", func() error { _, err := conn.Extended(ldap.NewExtendedRequest("1.2.3", nil)); return fails(2, err) }, 1},
		{"delete", func() error { return conn.Del(ldap.NewDelRequest(dn("b"), nil)) }, 1},
		{"at once", func() error {
			var all sync.WaitGroup
			errs := make([]error, 20)
			for i := range errs {
				all.Go(func() {
					if i%2 == 0 {
						errs[i] = search(301, everything(db))
					} else {
						_, errs[i] = conn.Compare(dn("p1"), "sn", "p1")
					}
				})
			}
			all.Wait()
			return errors.Join(errs...)
		}, 20},
	} {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if requests, silent := tp.counts(0); requests != step.requests || silent != 0 {
			t.Errorf("%s: %d requests, %d without an answer; want %d", step.name, requests, silent, step.requests)
		}
	}
	conn.Unbind()
	if _, silent := tp.counts(1); silent != 1 || tp.opaque > 0 {
		t.Errorf("UNBIND: %d without an answer, %d not understood", silent, tp.opaque)
	}
}

// errOnly is for what this server does not offer.
func errOnly(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return nil
}

// go-ldap reads no more after a StartTLS that failed, so nothing else is asked.
func TestTLSThatTheServerDoesNotOfferIsAnAnswer(t *testing.T) {
	db := servers.LDAP(t)
	tp := listen(t, wire.LDAP, db.Addr)
	for refused, want := range []uint16{ldap.LDAPResultProtocolError, ldap.LDAPResultUnavailable} {
		conn := dialLDAP(t, tp, db)
		tp.refuses(refused, 0, wire.Why{Code: "unavailable"})
		if err := conn.StartTLS(nil); !ldap.IsErrorWithCode(err, want) {
			t.Errorf("%v, want code %d", err, want)
		}
		if requests, _ := tp.counts(0); requests != 1 || tp.opaque > 0 {
			t.Errorf("%d requests, %d not understood", requests, tp.opaque)
		}
	}
}

func TestASearchThatGoLDAPGivesUpIsAbandoned(t *testing.T) {
	db := servers.LDAP(t)
	tp := listen(t, wire.LDAP, db.Addr)
	conn := dialLDAP(t, tp, db)
	for i := range 200 {
		if err := conn.Add(person(db, fmt.Sprint("p", i))); err != nil {
			t.Fatal(err)
		}
	}
	tp.counts(0)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		found := conn.SearchAsync(ctx, everything(db), 1)
		found.Next()
		cancel()
		for found.Next() {
		}
	}
	if _, err := conn.Search(everything(db)); err != nil || tp.opaque > 0 {
		t.Errorf("then %v, %d not understood", err, tp.opaque)
	}
}

func TestARefusedCallOfGoLDAPIsItsOwnError(t *testing.T) {
	db := servers.LDAP(t)
	tp := listen(t, wire.LDAP, db.Addr)
	conn := dialLDAP(t, tp, db)
	dn := "cn=a," + db.Database
	for name, do := range map[string]func() error{
		"search":   func() error { _, err := conn.Search(everything(db)); return err },
		"add":      func() error { return conn.Add(person(db, "a")) },
		"modify":   func() error { return conn.Modify(&ldap.ModifyRequest{DN: dn}) },
		"delete":   func() error { return conn.Del(ldap.NewDelRequest(db.Database, nil)) },
		"rename":   func() error { return conn.ModifyDN(ldap.NewModifyDNRequest(db.Database, "dc=x", true, "")) },
		"compare":  func() error { _, err := conn.Compare(db.Database, "dc", "heeler"); return err },
		"extended": func() error { _, err := conn.WhoAmI(nil); return err },
	} {
		for code, want := range map[string]uint16{"": 51, "unavailable": 52, "80": 80} {
			tp.refuses(1, 0, wire.Why{Code: code, Message: "no"})
			err := do()
			var no *ldap.Error
			if !errors.As(err, &no) || no.ResultCode != want {
				t.Errorf("%s, code %q: %v", name, code, err)
			}
			if found, err := conn.Search(everything(db)); err != nil || len(found.Entries) != 1 {
				t.Fatalf("%s, code %q: then %v", name, code, err)
			}
			tp.counts(0)
		}
	}
}

// The client is nobody from then on, and the server would not know.
func TestARefusedBindOfGoLDAPEndsABoundConnection(t *testing.T) {
	db := servers.LDAP(t)
	tp := listen(t, wire.LDAP, db.Addr)
	conn, err := ldap.DialURL("ldap://" + tp.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 2 { // it is nobody as yet
		tp.refuses(1, 0, wire.Why{})
		if err := conn.Bind(db.User, db.Password); !ldap.IsErrorWithCode(err, 51) {
			t.Errorf("%v, want code 51", err)
		}
	}
	if err := conn.Bind(db.User, db.Password); err != nil {
		t.Fatal(err)
	}
	tp.refuses(1, 0, wire.Why{})
	if err := conn.Bind("cn=other", "x"); !ldap.IsErrorWithCode(err, 51) {
		t.Errorf("%v, want code 51", err)
	}
	if _, err := conn.Search(everything(db)); err == nil { // of one type or another: the client may notice when it writes, or before
		t.Error("then all is good, want a closed connection")
	}
}
