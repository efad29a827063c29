package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	wellKnown := config{Addr: "127.0.0.1:8080", Limit: 2 * time.Second}
	with := func(change func(*config)) config {
		cfg := wellKnown
		change(&cfg)
		return cfg
	}
	for _, test := range []struct {
		args string
		want config
	}{
		{"", wellKnown},
		{"-tour", with(func(c *config) { c.Tour = true })},
		{"-addr :9000 -limit 500ms", with(func(c *config) { c.Addr, c.Limit = ":9000", 500*time.Millisecond })},
		{"-mysql root:pw@tcp(db:3306)/books", with(func(c *config) { c.MySQL = "root:pw@tcp(db:3306)/books" })},
		{"-redis cache:6379", with(func(c *config) { c.Redis = "cache:6379" })},
		{"-redis redis://:pw@cache:6379/2", with(func(c *config) { c.Redis = "redis://:pw@cache:6379/2" })},
		{"-reports /tmp/slow", with(func(c *config) { c.Reports = "/tmp/slow" })},
	} {
		if got, err := parseFlags(strings.Fields(test.args), io.Discard); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v", test.args, got, err)
		}
	}
}

func TestWrongFlagsSayWhatIsAccepted(t *testing.T) {
	for args, want := range map[string]string{
		"-addr 8080":                       `-addr "8080": must be host:port`,
		"-limit 1ms":                       "-limit 1ms: must be from 100ms to 1m",
		"-limit -2s":                       "-limit -2s: must be from 100ms to 1m",
		"-mysql nonsense":                  "it must be user:password@tcp(host:port)/database",
		"-mysql root:secret@tcp(db)/":      "names no database; it must be user:password@tcp(host:port)/database",
		"-mysql root:secret@unix(/s)/shop": `the network is "unix"; it must be user:password@tcp(host:port)/database`,
		"-redis secret":                    "-redis: must be host:port or redis://user:password@host:port/0",
		"-redis http://secret@cache":       "-redis: must be host:port or redis://user:password@host:port/0",
		"please":                           `"please": there are flags only`,
	} {
		var out strings.Builder
		_, err := parseFlags(strings.Fields(args), &out)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\nwant %s", args, err, want)
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("%s: the password is told: %s", args, &out)
		}
	}
}

func TestADSNGetsTheUsualPort(t *testing.T) {
	cfg, err := parseDSN("root@tcp(db)/shop")
	if err != nil || cfg.Addr != "db:3306" {
		t.Errorf("%+v, %v", cfg, err)
	}
}
