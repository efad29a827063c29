package faults_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// left is how much time a context gives.
func left(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return time.Until(end)
}

func openLDAP(t *testing.T) backend {
	server := servers.LDAP(t)
	direct, err := ldap.DialURL(server.DSN)
	must(t, err)
	defer direct.Close()
	must(t, direct.Bind(server.User, server.Password))
	dn := "cn=big," + server.Database
	add := ldap.NewAddRequest(dn, nil)
	add.Attribute("objectClass", []string{"person"})
	add.Attribute("sn", []string{"big"})
	add.Attribute("description", []string{strings.TrimSpace(payload)}) // the server would trim it
	must(t, direct.Add(add))
	search := ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"description"}, nil)
	return backend{
		name: "LDAP", client: "go-ldap", server: "slapd", protocol: wire.LDAP, addr: server.Addr,
		code: "busy", want: "*ldap.Error 51 Busy",
		typed: typedAs(func(e *ldap.Error) any {
			if e.ResultCode == ldap.ErrorNetwork {
				return e
			}
			return fmt.Sprint(e.ResultCode, " ", ldap.LDAPResultCodeMap[e.ResultCode])
		}),
		open: func(t testing.TB, addr string) *client { return ldapClient(addr, search) },
	}
}

// ldapClient keeps a connection for as long as go-ldap says that it can be used.
func ldapClient(addr string, search *ldap.SearchRequest) *client {
	var conn *ldap.Conn
	c := &client{close: func() {
		if conn != nil {
			conn.Close()
		}
	}}
	c.call = func(ctx context.Context) error {
		if conn == nil || conn.IsClosing() {
			c.close()
			wire, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			conn = ldap.NewConn(wire, false)
			conn.Start()
		}
		conn.SetTimeout(left(ctx))
		found, err := conn.Search(search)
		if err != nil {
			return err
		}
		if len(found.Entries) != 1 {
			return errWrong
		}
		return check(found.Entries[0].GetAttributeValue("description")+" ", nil)
	}
	return c
}
