package main_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	heeler "github.com/heeler-go/heeler/cmd/heeler"
)

// inProcess is command without a process, for many of them. What runs although it should not is stopped.
func inProcess(args []string) outcome {
	self, _ := os.FindProcess(os.Getpid())
	timer := time.AfterFunc(20*time.Second, func() { self.Signal(os.Interrupt) })
	defer timer.Stop()
	var stdout, stderr bytes.Buffer
	code := heeler.Run(append([]string{"heeler"}, args...), &stdout, &stderr)
	return outcome{stdout.String(), stderr.String(), code}
}

func TestAMistakeIsNamedWithWhatIsAccepted(t *testing.T) {
	for _, name := range []string{"HEELER_SLACK_URL", "SENTRY_DSN", "HEELER_SMTP_PASSWORD"} {
		t.Setenv(name, "")
	}
	secret := file(t, "secret", "hunter2\n")
	const chaosHelp = "\nRun \"heeler chaos --help\" to see what there is.\n"
	const followHelp = "\nRun \"heeler follow --help\" to see what there is.\n"
	const ctlHelp = "\nRun \"heeler ctl --help\" to see what there is.\n"
	for _, story := range []struct{ args, want string }{
		{"chos", `"chos" is no command, want one of chaos, ctl, follow, help, version; did you mean chaos?` +
			"\nRun \"heeler help\" to see what there is.\n"},
		{"help nonsense", `"nonsense" is no command, want one of chaos, ctl, follow, help, version` +
			"\nRun \"heeler help\" to see what there is.\n"},

		{"chaos --prxy :1", `there is no flag "--prxy"; did you mean --proxy?` + chaosHelp},
		{"chaos --behaviour hang", `there is no flag "--behaviour"; did you mean --behavior?` + chaosHelp},
		{"chaos --zzz", `there is no flag "--zzz"` + chaosHelp},
		{"chaos --proxy", `--proxy needs a value: --proxy HOST:PORT` + chaosHelp},
		{"chaos --proxy --http", `--proxy needs a value: --proxy HOST:PORT` + chaosHelp},
		{"chaos --proxy=localhost", `--proxy is "localhost", want host:port or unix:/path` + chaosHelp},
		{"chaos --backend=", `--backend is "", want host:port or unix:/path` + chaosHelp},
		{"chaos --backend=x:99999", `--backend is "x:99999", want host:port or unix:/path` + chaosHelp},
		{"chaos --protocol mysq", `--protocol is "mysq", want one of http, ldap, memcache, mysql, postgres, redis, smtp, tcp; did you mean mysql?` + chaosHelp},
		{"chaos --behavior 50:delay,60:hang", `--behavior: 50:delay,60:hang is 110 percent in total, want no more than 100` + chaosHelp},
		{"chaos --behavior delay,hang", `--behavior "hang", want percent:name, as in 20:delay,5:error` + chaosHelp},
		{"chaos --behavior 101:hang", `--behavior "101:hang": "101" is not a percentage, want a number from 0 to 100` + chaosHelp},
		{"chaos --behavior slicer", `--behavior-slicer-average-size is 0, want a number from 1 to 1000000000` + chaosHelp},
		{"chaos --behavior corrupt --behavior-corrupt-rate 2", `--behavior-corrupt-rate is 2, want a number from 0 to 1` + chaosHelp},
		{"chaos --behavior_transient_agitate=x", `--behavior-transient-agitate is "x", want a whole number of at most 1000000000000000` + chaosHelp},
		{"chaos --behavior-delay-before no", `"no" is one argument too many: all are flags, and switches have their value as in --http=false` + chaosHelp},
		{"chaos --behavior-delay-before=perhaps", `--behavior-delay-before is "perhaps", want true or false` + chaosHelp},
		{"chaos --http=2", `--http is "2", want true or false` + chaosHelp},
		{"chaos --http --http-port 65536", `--http-port is "65536", want a port from 0, which is any free one, to 65535` + chaosHelp},
		{"chaos --http-port 8081", `--http-port does nothing without --http` + chaosHelp},
		{"chaos --token x", `--token does nothing without --http` + chaosHelp},
		{"chaos --http --http-host=0.0.0.0", `--http-host is "0.0.0.0", which other machines can reach: want a token, in HEELER_TOKEN or --token, or localhost` + chaosHelp},
		{"chaos --http --http-host=localhost:81", `--http-host is "localhost:81", want a host without its port, such as localhost or ::1` + chaosHelp},
		{"chaos --behavior-delay-sleep 3", `--behavior-delay-sleep does nothing without --behavior delay, or --http` + chaosHelp},
		{"chaos --behavior 5:error --behavior_delay_before", `--behavior-delay-before does nothing without --behavior delay, or --http` + chaosHelp},
		{"chaos --toxiproxy-config /dev/null --behavior hang", `--behavior does nothing for the proxies of --toxiproxy-config, and without --proxy or --backend there is no other one` + chaosHelp},
		{"chaos --proxy :1 --proxy :2", `--proxy is there twice, want it once` + chaosHelp},
		{"chaos --http_port 1 -http-port=2", `--http-port is there twice, want it once` + chaosHelp},
		{"chaos --protocol mysql --behavior error --behavior-error-code x", `--behavior-error-code: mysql's Code "x" must be an error number from 1 to 65534, or empty` + chaosHelp},
		{"chaos --behavior 5:dely", `--behavior "dely" is not known, want one of abort, bandwidth, blackout, corrupt, cut, delay, dummy, error, half_open, hang, latency, limit_connections, limit_data, noop, refuse, reset, reset_peer, slicer, slow_close, slow_connect, timeout, transient; did you mean delay?` + chaosHelp},
		{"version foo", `"foo" is one argument too many: version takes none` + "\nRun \"heeler help\" to see what there is.\n"},
		{"help chaos extra", `"extra" is one argument too many: help takes one command` + "\nRun \"heeler help\" to see what there is.\n"},
		{"chaos \x1b[31m", `"\x1b[31m" is one argument too many: all are flags, and switches have their value as in --http=false` + chaosHelp},
		{"ctl set-behavior error code=1 code=2", `the option code is there twice, want it once` + ctlHelp},
		{"ctl list-behaviors --proxy a", `--proxy does nothing for list-behaviors: all proxies have the same ones` + ctlHelp},
		{"ctl list --host http://:s3cret@x:port", `--host is "http://…@x:port", want a host, host:port or http://host:port` + ctlHelp},
		{"ctl list --host http://:s3cret@x --token other", `--host has a token and --token is another one, want one of them` + ctlHelp},
		{"chaos --seed -1", `--seed is "-1", want a whole number from 0 to 18446744073709551615` + chaosHelp},
		{"chaos --timeout 0", `--timeout is "0", want seconds, or a time such as 300ms, more than 0 and at most 1000h0m0s` + chaosHelp},
		{"chaos --timeout NaN", `--timeout is "NaN", want seconds, or a time such as 300ms, more than 0 and at most 1000h0m0s` + chaosHelp},
		{"chaos --log-level loud", `--log-level is "loud", want one of debug, info, warning, error, critical` + chaosHelp},
		{"chaos --conversation-as hex", `--conversation-as does nothing without --conversation FILE` + chaosHelp},
		{"chaos --conversation - --conversation-as html", `--conversation-as is "html", want one of text, hex` + chaosHelp},
		{"chaos --config ''", `--config is "", want a file` + chaosHelp},
		{"chaos --config /nowhere/x.ini", "open /nowhere/x.ini: no such file or directory\n"},
		{"chaos --proxy 127.0.0.1:0 --toxiproxy-config /nowhere/x.json", "open /nowhere/x.json: no such file or directory\n"},

		{"chaos --stay-connected=false", `--stay-connected cannot be switched off: connections stay as long as client and backend want` + chaosHelp},
		{"chaos --pool-max-size 10", `--pool-max-size is not there: every client has a connection of its own to the backend, so leave it out` + chaosHelp},
		{"chaos --bufsize=8192", `--bufsize is not there: buffers are as large as the traffic wants, so leave it out` + chaosHelp},
		{"chaos --statsd.enabled=1", `--statsd.enabled is not there: figures are at /metrics, with --http, so leave it out` + chaosHelp},

		{"ctl", `what to do is missing, want one of set-behavior, get-behavior, list-behaviors, set-backend, get-backend, list, add-toxic, remove-toxic, disable, enable, reset, events, conversation` + ctlHelp},
		{"ctl get-behaviour", `"get-behaviour" is nothing to do, want one of set-behavior, get-behavior, list-behaviors, set-backend, get-backend, list, add-toxic, remove-toxic, disable, enable, reset, events, conversation; did you mean get-behavior?` + ctlHelp},
		{"ctl set-behavior", `set-behavior needs more: set-behavior NAME [OPTION=VALUE …]` + ctlHelp},
		{"ctl set-behavior delay 3", `"3" is no option of a behavior, want option=value, as in sleep=3` + ctlHelp},
		{"ctl set-behavior delay slep=3", `delay has no option slep, want one of sleep, before; did you mean sleep?` + ctlHelp},
		{"ctl set-behavior hang sleep=3", `hang has no option sleep, and no others` + ctlHelp},
		{"ctl get-behavior delay", `get-behavior takes nothing behind it, and "delay" is there` + ctlHelp},
		{"ctl set-backend a:1 b:2", `set-backend takes one value, and "b:2" is there too` + ctlHelp},
		{"ctl list --stream upstream", `--stream is for add-toxic, not for list` + ctlHelp},
		{"ctl add-toxic latncy", `"latncy" is no type of toxic, want one of abort, bandwidth, blackout, corrupt, cut, delay, dummy, error, half_open, hang, latency, limit_connections, limit_data, noop, refuse, reset, reset_peer, slicer, slow_close, slow_connect, timeout, transient; did you mean latency?` + ctlHelp},
		{"ctl add-toxic latency latency=x", `latency: latency is "x", want a number of ms, or a time such as 300ms, of at most 1000h0m0s` + ctlHelp},
		{"ctl add-toxic latency --grow 1m --end 30s", `Schedule.Grow is 1m0s, want from 0 to the time between Start and End` + ctlHelp},
		{"ctl add-toxic latency --toxicity 1.5", `--toxicity is "1.5", want a number from 0 to 1` + ctlHelp},
		{"ctl list --host ftp://x", `--host is "ftp://x", want a host, host:port or http://host:port` + ctlHelp},
		{"ctl list --host localhost:81 --http-port 82", `--host has the port 81 and --http-port is 82, want one of them` + ctlHelp},

		{"follow", `what to look for is missing, want --match FIELD=VALUE, or --match-prefix TEXT` + followHelp},
		{"follow A=1", `"A=1" is one argument too many: what to look for goes behind --match` + followHelp},
		{"follow --match A=1", `where to post is missing, want --to slack|email|sentry|exec` + followHelp},
		{"follow --match", `--match needs a value: --match FIELD=VALUE` + followHelp},
		{"follow --match A=1 --to irc", `--to is "irc", want one of slack, email, sentry, exec` + followHelp},
		{"follow --match A=1 --to slack --to exec", `--to is there twice, want it once` + followHelp},
		{"follow --match A=1 --to slack --exec true", `--exec is for --to exec, not for slack` + followHelp},
		{"follow --match A=1 --to slack", `the webhook's URL is missing, want it in the variable HEELER_SLACK_URL, or a file with it in --slack-url-file` + followHelp},
		{"follow --match A=1 --to slack --slack-url https://hooks.slack.com/s3cret", `--slack-url is a secret, and everybody on this machine sees the command line: want it in the variable HEELER_SLACK_URL, or a file in --slack-url-file` + followHelp},
		{"follow --match A=1 --to slack --slack-url-file /dev/null", `--slack-url-file has nothing in it, or too much, want the webhook's URL` + followHelp},
		{"follow --match A=1 --to slack --slack-url-file /dev/zero", `--slack-url-file has nothing in it, or too much, want the webhook's URL` + followHelp},
		{"follow --match A=1 --to slack --slack-url-file " + secret, `the URL is not usable (it does not begin with https://); https://hooks.slack.com/services/… is needed` + followHelp},
		{"follow --match A=1 --to slack --slack-url-file /nowhere/x", "--slack-url-file: open /nowhere/x: no such file or directory\n"},
		{"follow --match A=1 --to slack --slack-url-file https://hooks.slack.com/s3cret", `--slack-url-file is not shown here, want the name of a file with the webhook's URL in it: everybody on this machine sees the command line` + followHelp},
		{"follow --match A=1 --to sentry", `the project's DSN is missing, want it in the variable SENTRY_DSN, or a file with it in --sentry-dsn-file` + followHelp},
		{"follow --match A=1 --to sentry --sentry-dsn x", `--sentry-dsn is a secret, and everybody on this machine sees the command line: want it in the variable SENTRY_DSN, or a file in --sentry-dsn-file` + followHelp},
		{"follow --match A=1 --to sentry --sentry-dsn-file " + secret, `the DSN is not usable (invalid scheme); https://<key>@<host>/<project> is needed` + followHelp},
		{"follow --match A=1 --to email", `--to email needs --smtp` + followHelp},
		{"follow --match A=1 --to email --smtp x:y --mail-from a@b --mail-to a@b", `--smtp is "x:y", want a host, or host:port` + followHelp},
		{"follow --match A=1 --to email --smtp x --mail-from a@b --mail-to a@b --mail-to c", `--mail-to has "c"; addresses such as oncall@example.com are accepted` + followHelp},
		{"follow --match A=1 --to email --smtp x --mail-from a --mail-to a@b", `--mail-from is "a"; an address such as shop@example.com is needed` + followHelp},
		{"follow --match A=1 --to email --smtp x --mail-from a@b --mail-to a@b --smtp-user u", `the password of --smtp-user is missing, want it in the variable HEELER_SMTP_PASSWORD, or a file with it in --smtp-password-file` + followHelp},
		{"follow --match A=1 --to email --smtp x --smtp-security none --mail-from a@b --mail-to a@b --smtp-user u --smtp-password-file " + secret, `--smtp-user is set with --smtp-security none, which would send the password in the clear; want starttls or tls` + followHelp},
		{"follow --match A=1 --to email --smtp-password x", `--smtp-password is a secret, and everybody on this machine sees the command line: want it in the variable HEELER_SMTP_PASSWORD, or a file in --smtp-password-file` + followHelp},
		{"follow --match A=1 --to email --smtp x --mail-from a@b --mail-to a@b --smtp-password-file " + secret, `--smtp-password-file needs --smtp-user: who logs in with it` + followHelp},
		{"follow --match A=1 --to exec", `--to exec needs --exec COMMAND` + followHelp},
		{"follow --match A=1 --to exec --exec=", `--exec is "", want a command` + followHelp},
		{"follow --match + --match A=1 --to exec --exec true", `--match: "+" stands between two alternatives` + followHelp},
		{"follow --match=--root=/ --to exec --exec true", `--match: "--root=/": a match is FIELD=value or +, and a field has 1 to 64 of A to Z, 0 to 9 and _, and begins with none of the digits` + followHelp},
		{"follow --match A=1 --every 0 --to exec", `--every is "0", want seconds, or a time such as 300ms, more than 0 and at most 1000h0m0s` + followHelp},
		{"ctl list --http-port x", `--http-port is "x", want a port from 0, which is any free one, to 65535` + ctlHelp},
	} {
		args := strings.Fields(strings.ReplaceAll(story.args, "''", "\x00"))
		for i := range args {
			args[i] = strings.Trim(args[i], "\x00")
		}
		o := inProcess(args)
		if want := "heeler: " + story.want; o.stderr != want || o.code != 2 || o.stdout != "" {
			t.Errorf("heeler %s: code %d\n%swant\n%s%s", story.args, o.code, o.stderr, want, o.stdout)
		}
	}
}

func TestAMistakeInAFileHasItsLine(t *testing.T) {
	for _, story := range []struct{ text, want string }{
		{"proxy = :1", `1: "proxy = :1" is before any section, want [vaurien] or another one above it`},
		{"[vaurien]\nprxy = :1", `2: prxy is not known; did you mean --proxy?`},
		{"[vaurien]\nproxy = x", `2: proxy is "x", want host:port or unix:/path`},
		{"[vaurien]\n\nhttp_port = 99999", `3: http_port is "99999", want a port from 0, which is any free one, to 65535`},
		{"[vaurien]\nproxy = :1\nproxy = :2", `3: proxy is there twice: see line 2`},
		{"[vaurien]\nlog-level = info\nlog_level = info", `3: log_level is there twice: see line 2`},
		{"[vaurien]\n[vaurien]", `2: [vaurien] is there twice: see line 1`},
		{"[vaurien\nproxy = :1", `1: "[vaurien" is no section, want [name]`},
		{"[vaurien]\nproxy", `2: "proxy" is neither a section nor key = value`},
		{"[vaurien]\nproxy = :1\n  :2", `3: ":2" is indented: a value must be on the line of its key`},
		{"[vaurien]\nproxy = \":1", `2: proxy is ":1, want one more double quote at the end, and none within`},
		{"[vaurien]\nproxy = ${HEELER_NOT_SET}", `2: proxy is "proxy = ${HEELER_NOT_SET}", and ${HEELER_NOT_SET} is not set`},
		{"[vaurien]\nproxy = \x01", `2: "proxy = \x01" is no text`},
		{"[vaurien]\nbehavior = 10:hnag", `2: behavior "hnag" is not known, want one of abort, bandwidth, blackout, corrupt, cut, delay, dummy, error, half_open, hang, latency, limit_connections, limit_data, noop, refuse, reset, reset_peer, slicer, slow_close, slow_connect, timeout, transient; did you mean hang?`},
		{"[vaurien]\nconfig = x.ini", `2: config is not known: a file cannot name another`},
		{"[vaurien]\npool_timeout = 30", `2: pool_timeout is not there: every client has a connection of its own to the backend, so leave it out`},
		{"[vaurein]\nproxy = :1", `1: there is no section [vaurein], want [vaurien], [proxy:NAME], [behavior:NAME] or [protocol:NAME]`},
		{"[behavior:delay]\ncallable = x.Y", `2: callable is not known, want one of sleep, before`},
		{"[behavior:delay]\nsleep = -1", `2: sleep is -1s, want a time from 0 to 1000h0m0s`},
		{"[behavior:reset]\npeer_timeout = 1", `2: peer_timeout is not known, want one of after`},
		{"[behavior:mine]\nx = 1", `1: "mine" is no behavior, want one of abort, bandwidth, blackout, corrupt, cut, delay, dummy, error, half_open, hang, latency, limit_connections, limit_data, noop, refuse, reset, reset_peer, slicer, slow_close, slow_connect, timeout, transient`},
		{"[protocol:mysql]\nkeep_alive = no", `2: keep_alive cannot be switched off: connections stay as long as client and backend want`},
		{"[protocol:mysql]\nx = 1", `2: x is not known, want one of keep_alive, reuse_socket, buffer`},
		{"[protocol:x]", `1: "x" is no protocol, want one of http, ldap, memcache, mysql, postgres, redis, smtp, tcp`},
		{"[statsd]\nenabled = true", `2: enabled is not there: figures are at /metrics, with --http, so leave it out`},
		{"[proxy:a]\nproxy = :1", `1: [proxy:a] has no backend, want backend = host:port`},
		{"[vaurien]\nbackend = :1\n[proxy:a]\nproxy = :2", `3: [proxy:a] has no backend, want backend = host:port`},
		{"[proxy:a]\nhttp = yes", `2: http is not known`},
		{"[proxy:a]\nproxy = :1\nbackend = :2\nbehavior=latency\nbehavior-latency-jitter = -1", `5: behavior-latency-jitter is -1ms, want a time from 0 to 1000h0m0s`},
		{"[proxy:a]\nproxy = :1\nbackend = :2\nbehavior_delay_sleep = 3", `4: behavior_delay_sleep does nothing: the behavior of [proxy:a] is dummy, and those that are set later have what [behavior:delay] says`},
		{"[vaurien]\nproxy = :1\n[heeler]\nproxy = :2", `4: proxy is there twice: see line 2`},
		{"[vaurien]\nbehavior_delay_sleep = 1\n[behavior:delay]\nsleep = 2", `4: sleep is there twice: see line 2`},
		{"[vaurien]\nprotocol = http\nbehavior = 10:error\n[behavior:error]\ncode = 999", `5: code: http: Code is "999", accepted are 500 to 599, or nothing`},
		{"[vaurien]\nhttp=yes\n\nhttp_host = 0.0.0.0", `4: http_host is "0.0.0.0", which other machines can reach: want a token, in HEELER_TOKEN or --token, or localhost`},
		{"[proxy:..]", `1: [proxy:..] has a name that cannot be one, want another`},
		{"[proxy:]", `1: [proxy:] has no name, want [proxy:NAME]`},
		{"[vaurien]\nproxy = :1\n[proxy:tcp]\nproxy = :2\nbackend = :3", ` two proxies are called "tcp": the one without a section has the name of its protocol`},
	} {
		ini := file(t, "vaurien.ini", story.text)
		o := inProcess([]string{"chaos", "--config", ini})
		want := "heeler: " + ini + ":" + story.want + "\n"
		got, _, _ := strings.Cut(o.stderr, "Run \"heeler")
		if got != want || o.code != 2 {
			t.Errorf("%q: code %d\n%swant\n%s", story.text, o.code, o.stderr, want)
		}
	}
}

func TestWhatVaurienTookIsTaken(t *testing.T) {
	for _, line := range []string{
		"",
		"--protocol mysql --proxy 0.0.0.0:3307 --backend 192.168.1.123:3306 --http",
		"--proxy 0.0.0.0:3307 --backend 0.0.0.0:3306 --stay-connected --behavior 100:delay --behavior-delay-sleep=1",
		"--proxy=localhost:8000 --backend=google.com:80 --behavior=20:delay --behavior-delay-sleep 2",
		"--timeout 30 --async-mode --protocol-http-keep-alive --log-level WARNING --log-output -",
		"--behavior 20:error,10:blackout,5:hang,5:abort,5:transient,50:dummy --behavior-transient-agitate 3",
		"--behavior-error-inject --behavior-error-warmup=10 --behavior 33.3:error,66.7:delay",
		"-proxy :0 -behavior=hang -- ",
	} {
		if _, err := heeler.ReadChaos(strings.Fields(line)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestWhereNothingIsSaidItIsAsVaurienHadIt(t *testing.T) {
	all, err := heeler.ReadChaos(nil)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	p := all[0]
	if p.Listen != "localhost:8000" || p.Backend != "localhost:80" || p.Protocol.Name() != "tcp" ||
		p.DialTimeout != 30*time.Second || len(p.Faults()) > 0 {
		t.Errorf("%s -> %s, %s, %v, %v", p.Listen, p.Backend, p.Protocol.Name(), p.DialTimeout, p.Faults())
	}
	for value, want := range map[string]time.Duration{"2": 2 * time.Second, "0.5": time.Second / 2, "300ms": 300 * time.Millisecond} {
		all, err := heeler.ReadChaos([]string{"--timeout", value})
		if err != nil || all[0].DialTimeout != want {
			t.Errorf("--timeout %s: %v, %v", value, all, err)
		}
	}
}
