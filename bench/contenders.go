package main

import (
	"io"
	"net"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// The two that the others are compared with: the proxy that people use, and the least that a relay
// in Go can do, which is a limit.
const (
	peerProxy  = "toxiproxy 2.12"
	plainRelay = "plain io.Copy relay"
)

// A contender is one way from a client to a backend.
type contender struct {
	name string
	talk talk
	ours bool // of whom something is wanted
	// start relays to backend until the process ends, and says where it listens.
	start func(backend string) (addr string, err error)
}

func contenders() []contender {
	return []contender{
		{"no proxy", plainTalk(), false, func(backend string) (string, error) { return backend, nil }},
		{peerProxy, plainTalk(), false, startToxiproxy},
		{plainRelay, plainTalk(), false, startPlainRelay},
		{"heeler, tcp", plainTalk(), true, startHeeler(nil)},
		{"heeler, http", httpTalk(), true, startHeeler(wire.HTTP)},
		{"heeler, mysql", mysqlTalk(), true, startHeeler(wire.MySQL)},
		{"heeler, redis", redisTalk(), true, startHeeler(wire.Redis)},
	}
}

// startToxiproxy runs a proxy as toxiproxy-server does, without a toxic, and without its log.
func startToxiproxy(backend string) (string, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "bench", "127.0.0.1:0", backend)
	if err := server.Collection.Add(proxy, true); err != nil {
		return "", err
	}
	return proxy.Listen, nil
}

// startHeeler runs a proxy without faults that follows a protocol, or none.
func startHeeler(protocol wire.Protocol) func(string) (string, error) {
	return func(backend string) (string, error) {
		proxy := &chaos.Proxy{Backend: backend, Protocol: protocol}
		if err := proxy.Start(); err != nil {
			return "", err
		}
		return proxy.Addr(), nil
	}
}

// startPlainRelay copies in both directions and keeps half-closes, and that is all.
func startPlainRelay(backend string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go relay(client.(*net.TCPConn), backend)
		}
	}()
	return l.Addr().String(), nil
}

func relay(client *net.TCPConn, backend string) {
	defer client.Close()
	conn, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer conn.Close()
	server := conn.(*net.TCPConn)
	up := make(chan struct{})
	go func() {
		defer close(up)
		io.Copy(server, client)
		server.CloseWrite()
	}()
	io.Copy(client, server)
	client.CloseWrite()
	<-up
}
