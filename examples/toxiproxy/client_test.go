package toxiproxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// serve starts a server and gives toxiproxy's client for it.
func serve(t *testing.T) *toxiproxy.Client {
	t.Helper()
	s := &control.Server{}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return toxiproxy.NewClient(strings.TrimPrefix(s.URL(), "http://"))
}

// relays says how long it took a proxy to bring back what it was told; negative: it did not.
func relays(addr string) time.Duration {
	began := time.Now()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return -1
	}
	defer conn.Close()
	conn.SetDeadline(began.Add(5 * time.Second))
	io.WriteString(conn, "ping")
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		return -1
	}
	return time.Since(began)
}

func up(t *testing.T, addr string, want bool) {
	t.Helper()
	if took := relays(addr); took >= 0 != want {
		t.Errorf("%s relays in %v, want that to be %v", addr, took, want)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("refused with %v, want %s", err, want)
	}
}

func TestProxiesComeAndGo(t *testing.T) {
	client, backend := serve(t), echo.Start(t)
	if all, err := client.Proxies(); err != nil || len(all) != 0 {
		t.Errorf("at first there are %v, %v", all, err)
	}
	if version, err := client.Version(); err != nil || !strings.Contains(string(version), `"version":"2.12.0"`) {
		t.Errorf("the version is %s, %v", version, err)
	}
	proxy, err := client.CreateProxy("mysql", "localhost:0", backend)
	check(t, err)
	if !proxy.Enabled || !strings.HasPrefix(proxy.Listen, "127.0.0.1:") || proxy.ActiveToxics == nil {
		t.Errorf("created: %+v", proxy)
	}
	up(t, proxy.Listen, true)
	check(t, proxy.Disable())
	up(t, proxy.Listen, false)
	check(t, proxy.Enable())
	up(t, proxy.Listen, true)

	again, err := client.Proxy("mysql")
	check(t, err)
	if again.Listen != proxy.Listen || again.Upstream != backend {
		t.Errorf("asked for: %+v", again)
	}
	again.Upstream = echo.Start(t)
	check(t, again.Save())
	up(t, proxy.Listen, true)

	_, err = client.CreateProxy("mysql", "localhost:0", backend)
	refused(t, err, "Create: HTTP 409: proxy already exists")
	_, err = client.CreateProxy("other", proxy.Listen, backend)
	refused(t, err, "Create: HTTP 500: listen tcp "+proxy.Listen+": bind: address already in use")
	_, err = client.CreateProxy("", "", "")
	refused(t, err, "Create: HTTP 400: missing required field: name")
	_, err = client.CreateProxy("other", "", "")
	refused(t, err, "Create: HTTP 400: missing required field: upstream")

	off := client.NewProxy()
	off.Name, off.Listen, off.Upstream = "off", "localhost:0", backend
	check(t, off.Save())
	if off.Enabled || off.Listen != "localhost:0" {
		t.Errorf("not enabled, it is %+v", off)
	}
	all, err := client.Proxies()
	check(t, err)
	if len(all) != 2 || all["mysql"].Listen != proxy.Listen || all["off"].Enabled {
		t.Errorf("there are %+v", all)
	}
	check(t, proxy.Delete())
	up(t, proxy.Listen, false)
	refused(t, proxy.Delete(), "Delete: HTTP 404: proxy not found")
	_, err = client.Proxy("mysql")
	refused(t, err, "HTTP 404: proxy not found")
}

func TestATokenInTheURL(t *testing.T) {
	s := &control.Server{Token: "s3cret"}
	check(t, s.Start())
	defer s.Close()
	at := strings.TrimPrefix(s.URL(), "http://")
	_, err := toxiproxy.NewClient(at).Proxies()
	refused(t, err, "HTTP 401: ")
	if _, err := toxiproxy.NewClient("http://:s3cret@" + at).Proxies(); err != nil {
		t.Error(err)
	}
}

// Toxiproxy's issues 558, 427 and 412: the backend floods a client that does not read.
func TestAToxicIsRemovedWhileAClientDoesNotRead(t *testing.T) {
	flood, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer flood.Close()
	go func() {
		for {
			conn, err := flood.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for block := make([]byte, 64<<10); err == nil; {
					_, err = conn.Write(block)
				}
			}()
		}
	}()
	client := serve(t)
	proxy, err := client.CreateProxy("flood", "", flood.Addr().String())
	check(t, err)
	conn, err := net.Dial("tcp", proxy.Listen)
	check(t, err)
	defer conn.Close()
	for _, kind := range []string{"latency", "bandwidth", "slicer", "timeout", "slow_close"} {
		attributes := toxiproxy.Attributes{}
		if kind == "slicer" {
			attributes["average_size"] = 1
		}
		began := time.Now()
		_, err := proxy.AddToxic("", kind, "downstream", 1, attributes)
		check(t, err)
		check(t, proxy.RemoveToxic(kind+"_downstream"))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: %v", kind, took)
		}
	}
	began := time.Now()
	check(t, proxy.Delete())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("deleting the proxy took %v", took)
	}
}

func TestToxicsComeAndGo(t *testing.T) {
	client := serve(t)
	proxy, err := client.CreateProxy("mysql", "", echo.Start(t))
	check(t, err)
	slow, err := proxy.AddToxic("", "latency", "", -1, toxiproxy.Attributes{"latency": 200, "jitter": 1})
	check(t, err)
	if slow.Name != "latency_downstream" || slow.Stream != "downstream" || slow.Toxicity != 1 ||
		slow.Attributes["latency"] != 200.0 || slow.Attributes["jitter"] != 1.0 {
		t.Errorf("added: %+v", slow)
	}
	if took := relays(proxy.Listen); took < 190*time.Millisecond {
		t.Errorf("with a latency of 200 ms it took %v", took)
	}
	slow, err = proxy.UpdateToxic("latency_downstream", 0.5, toxiproxy.Attributes{"latency": 10})
	check(t, err)
	if slow.Toxicity != 0.5 || slow.Attributes["latency"] != 10.0 || slow.Attributes["jitter"] != 1.0 {
		t.Errorf("updated: %+v", slow)
	}
	check(t, proxy.Disable())
	check(t, proxy.Enable()) // the client sends the toxics that it knew of when it made the proxy: none
	toxics, err := proxy.Toxics()
	check(t, err)
	if len(toxics) != 1 {
		t.Errorf("down and up again, the toxics are %+v", toxics)
	}
	check(t, proxy.RemoveToxic("latency_downstream"))
	refused(t, proxy.RemoveToxic("latency_downstream"), "HTTP 404: toxic not found")
	_, err = proxy.UpdateToxic("latency_downstream", 1, nil)
	refused(t, err, "HTTP 404: toxic not found")
	_, err = proxy.AddToxic("", "latency", "walrustream", 1, nil)
	refused(t, err, "AddToxic: HTTP 400: stream was invalid, can be either upstream or downstream")
	_, err = proxy.AddToxic("", "walrus", "", 1, nil)
	refused(t, err, "AddToxic: HTTP 400: invalid toxic type")
	_, err = proxy.AddToxic("", "slicer", "", 1, nil) // with this, toxiproxy's server panics once bytes come
	refused(t, err, "AddToxic: HTTP 400: bad request body: chaos: slicer: average_size is 0, want ")

	options := &toxiproxy.ToxicOptions{ProxyName: "mysql", ToxicName: "cut", ToxicType: "reset_peer", Stream: "upstream",
		Toxicity: 1, Attributes: toxiproxy.Attributes{"timeout": 0}}
	_, err = client.AddToxic(options)
	check(t, err)
	up(t, proxy.Listen, false)
	options.Toxicity = 0
	_, err = client.UpdateToxic(options)
	check(t, err)
	up(t, proxy.Listen, true)
	_, err = client.AddToxic(options)
	refused(t, err, "failed to add toxic to proxy mysql: AddToxic: HTTP 409: toxic already exists")
	check(t, client.RemoveToxic(options))
}

func TestEveryTypeOfToxicIsTaken(t *testing.T) {
	client := serve(t)
	proxy, err := client.CreateProxy("mysql", "", echo.Start(t))
	check(t, err)
	for kind, attributes := range map[string]toxiproxy.Attributes{
		"latency": {"latency": 1, "jitter": 1}, "bandwidth": {"rate": 1000}, "slow_close": {"delay": 1},
		"timeout": {"timeout": 1}, "reset_peer": {"timeout": 1}, "limit_data": {"bytes": 1}, "noop": {},
		"slicer": {"average_size": 64, "size_variation": 32, "delay": 10},
	} {
		for _, stream := range []string{"upstream", "downstream"} {
			toxic, err := proxy.AddToxic("", kind, stream, 1, attributes)
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			if toxic.Name != kind+"_"+stream || toxic.Type != kind || len(toxic.Attributes) != len(attributes) {
				t.Errorf("%s: %+v", kind, toxic)
			}
			for name, value := range attributes {
				if toxic.Attributes[name] != float64(value.(int)) {
					t.Errorf("%s: %s is %v, want %v", kind, name, toxic.Attributes[name], value)
				}
			}
		}
	}
	check(t, proxy.Disable())
	check(t, client.ResetState())
	toxics, err := proxy.Toxics()
	check(t, err)
	if len(toxics) != 0 {
		t.Errorf("after a reset there are %+v", toxics)
	}
	up(t, proxy.Listen, true)
}

func TestPopulate(t *testing.T) {
	client, backend := serve(t), echo.Start(t)
	list := []toxiproxy.Proxy{
		{Name: "one", Listen: "localhost:0", Upstream: backend, Enabled: true},
		{Name: "two", Listen: "localhost:0", Upstream: backend},
	}
	made, err := client.Populate(list)
	check(t, err)
	if len(made) != 2 || made[0].Name != "one" || made[1].Name != "two" {
		t.Fatalf("populated: %+v", made)
	}
	up(t, made[0].Listen, true)
	if made[1].Enabled {
		t.Error("two is up")
	}
	_, err = made[0].AddToxic("", "latency", "downstream", 1, nil)
	check(t, err)
	again, err := client.Populate(list)
	check(t, err)
	if len(again) != 2 || again[0].Listen != made[0].Listen || len(again[0].ActiveToxics) != 1 {
		t.Errorf("populated again: %+v", again)
	}
	_, err = client.Populate([]toxiproxy.Proxy{{Name: "three", Upstream: backend}, {}})
	refused(t, err, "Populate: HTTP 400: missing required field: name at proxy 2")
	if _, err := client.Proxy("three"); err == nil {
		t.Error("a bad list has made a proxy")
	}
}
