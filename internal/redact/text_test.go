package redact_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/internal/redact"
)

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4"

func TestSecretsInTextAreRedacted(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		// name=value and the like
		{"password=hunter2", "password=[redacted]"},
		{"host=db password=hunter2 user=bob", "host=db password=[redacted] user=bob"},
		{"password='hunter 2' user=bob", "password='[redacted]' user=bob"},
		{"GET /x?token=abc&y=1 200", "GET /x?token=[redacted]&y=1 200"},
		{"GET /x?token=a&b&y=1 200", "GET /x?token=[redacted]&y=1 200"},
		{"PWD=a,b;UID=sa", "PWD=[redacted];UID=sa"},
		{"password = hunter2", "password = [redacted]"},
		{"password => 'x', name => 'y'", "password => '[redacted]', name => 'y'"},
		{"password:='x'", "password:='[redacted]'"},
		{"user[password]=hunter2&user[name]=bob", "user[password]=[redacted]&user[name]=bob"},
		{"password[]=hunter2", "password[]=[redacted]"},
		{"pass%77ord=hunter2", "pass%77ord=[redacted]"},
		{"set-cookie=a=b; c=d; path=/ next", "set-cookie=[redacted] next"},
		{"api key = abc", "api key = [redacted]"},
		{"token = crypt('x', gen_salt('bf')) AND a = 1", "token = [redacted] AND a = 1"},
		{"DB_PASSWORD=hunter2\nDB_USER=bob", "DB_PASSWORD=[redacted]\nDB_USER=bob"},
		{"tokens=[a b c] n=3", "tokens=[redacted] n=3"},
		{"pin > 1234", "pin > [redacted]"},
		// name: value
		{"password: hunter2", "password: [redacted]"},
		{"password: correct horse, host: x", "password: [redacted], host: x"},
		{"Authorization: Bearer abc\nHost: x", "Authorization: [redacted]\nHost: x"},
		{"Cookie: a=b; c=d", "Cookie: [redacted]"},
		{"curl -H 'X-Api-Key: abc' http://x/", "curl -H 'X-Api-Key: [redacted]' http://x/"},
		{"{User:bob Password:hunter2 Host:x}", "{User:bob Password:[redacted] Host:x}"},
		{"{User:bob Password:hunter2}", "{User:bob Password:[redacted]}"},
		{"map[Authorization:[Bearer abc] Host:[x]]", "map[Authorization:[redacted] Host:[x]]"},
		{"credit card number: 4111 1111 1111 1111", "credit card number: [redacted]"},
		// JSON
		{`{"password":"hunter2","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`{"password" : "hunter2"}`, `{"password" : "[redacted]"}`},
		{"{\"password\":\n  \"hunter2\"}", "{\"password\":\n  \"[redacted]\"}"},
		{`{"password":"a\"b","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`{"password":"a\\","user":"bob"}`, `{"password":"[redacted]","user":"bob"}`},
		{`{"pin":1234,"user":"bob"}`, `{"pin":[redacted],"user":"bob"}`},
		{`{"tokens":["a","b]"],"user":"bob"}`, `{"tokens":[redacted],"user":"bob"}`},
		{`{"auth":{"user":"x}","n":{}},"b":1}`, `{"auth":[redacted],"b":1}`},
		{`{"token":null,"a":""}`, `{"token":null,"a":""}`},
		{`{"password":"hunt`, `{"password":"[redacted]`},
		{`{"a":"{\"password\":\"hunter2\",\"user\":\"bob\"}"}`, `{"a":"{\"password\":\"[redacted]\",\"user\":\"bob\"}"}`},
		{`{\"password\":\"a\\\"b\"}`, `{\"password\":\"[redacted]\"}`},
		{`\\\"password\\\":\\\"hunter2\\\"}`, `\\\"password\\\":\\\"[redacted]\\\"}`},
		{`{'password': b'hunter2', 'user': 'bob'}`, `{'password': b'[redacted]', 'user': 'bob'}`},
		{`{"msg":"bad token: abc","user":"bob"}`, `{"msg":"bad token: [redacted]","user":"bob"}`},
		// SQL
		{"SELECT * FROM u WHERE password = 'x' AND name = 'bob'", "SELECT * FROM u WHERE password = '[redacted]' AND name = 'bob'"},
		{"SELECT * FROM u WHERE password='it''s' AND a=1", "SELECT * FROM u WHERE password='[redacted]' AND a=1"},
		{`SELECT * FROM u WHERE password='it\'s' AND a=1`, `SELECT * FROM u WHERE password='[redacted]' AND a=1`},
		{"UPDATE u SET `password` = \"x\" WHERE id=1", "UPDATE u SET `password` = \"[redacted]\" WHERE id=1"},
		{`UPDATE u SET "u"."password" = N'x'`, `UPDATE u SET "u"."password" = N'[redacted]'`},
		{"UPDATE u SET [password] = 'x'", "UPDATE u SET [password] = '[redacted]'"},
		{"WHERE lower(token) = 'x'", "WHERE lower(token) = '[redacted]'"},
		{"WHERE token::text = 'x'", "WHERE token::text = '[redacted]'"},
		{"WHERE token =\n  'x'", "WHERE token =\n  '[redacted]'"},
		{"WHERE token = /* a */ 'x'", "WHERE token = /* a */ '[redacted]'"},
		{"WHERE token = 'a' || 'b' || c", "WHERE token = '[redacted]' || '[redacted]' || c"},
		{"WHERE token LIKE 'x%'", "WHERE token LIKE '[redacted]'"},
		{"WHERE token NOT IN ('a', 'b') AND c IN ('d')", "WHERE token NOT IN ('[redacted]', '[redacted]') AND c IN ('d')"},
		{"WHERE pin IN (1, 2)", "WHERE pin IN ([redacted], [redacted])"},
		{"WHERE token <> 'x'", "WHERE token <> '[redacted]'"},
		{"WHERE session_id = 5 ORDER BY a", "WHERE session_id = [redacted] ORDER BY a"},
		{"ALTER USER bob IDENTIFIED BY 'x'", "ALTER USER bob IDENTIFIED BY '[redacted]'"},
		{"ALTER USER bob IDENTIFIED WITH caching_sha2_password BY 'x' REPLACE 'y'; SELECT 'z'",
			"ALTER USER bob IDENTIFIED WITH caching_sha2_password BY '[redacted]' REPLACE '[redacted]'; SELECT 'z'"},
		{"CREATE USER bob IDENTIFIED BY hunter2", "CREATE USER bob IDENTIFIED BY [redacted]"},
		{"create user bob identified by password '*2470C0'", "create user bob identified by password '[redacted]'"},
		{"SET PASSWORD FOR 'bob'@'%' = 'x'", "SET PASSWORD FOR 'bob'@'%' = '[redacted]'"},
		{"SET PASSWORD FOR bob = PASSWORD('x')", "SET PASSWORD FOR bob = [redacted]"},
		{"SET PASSWORD = 'x'", "SET PASSWORD = '[redacted]'"},
		{"ALTER ROLE bob WITH ENCRYPTED PASSWORD 'x' LOGIN", "ALTER ROLE bob WITH ENCRYPTED PASSWORD '[redacted]' LOGIN"},
		{"CREATE LOGIN bob WITH PASSWORD = N'x'", "CREATE LOGIN bob WITH PASSWORD = N'[redacted]'"},
		{"SELECT PASSWORD('x')", "SELECT PASSWORD('[redacted]')"},
		{"INSERT INTO u (name, password) VALUES ('bob', 'x'), ('ann', 5); SELECT 'z'",
			"INSERT INTO u (name, password) VALUES ('[redacted]', '[redacted]'), ('[redacted]', [redacted]); SELECT 'z'"},
		{"insert into u (`password`) select 'x'", "insert into u (`password`) select '[redacted]'"},
		// other syntaxes
		{"<password>hunter 2</password><name>bob</name>", "<password>[redacted]</password><name>bob</name>"},
		{"mysqldump --password hunter2 --host x", "mysqldump --password [redacted] --host x"},
		{"mysqldump --password=hunter2 --host x", "mysqldump --password=[redacted] --host x"},
		{"AUTH hunter2", "AUTH [redacted]"},
		{"HELLO 3 AUTH default hunter2", "HELLO 3 AUTH [redacted]"},
		{"auth default hunter2", "auth [redacted]"},
		{`token := "abc"`, `token := "[redacted]"`},
		{`token := r.Header.Get("abc")`, `token := r.Header.Get("[redacted]")`},
		{`invalid token "abc"`, `invalid token "[redacted]"`},
		// shapes
		{"sent Bearer abc.def to x", "sent Bearer [redacted] to x"},
		{"sent bearer abc, retried", "sent bearer [redacted], retried"},
		{"sent Basic dXNlcjpwYXNz to x", "sent Basic [redacted] to x"},
		{"jumped to " + jwt + " at once", "jumped to [redacted] at once"},
		{"(" + jwt + ")", "([redacted])"},
		{"dial postgres://bob:hunter2@db:5432/shop?x=1", "dial postgres://[redacted]@db:5432/shop?x=1"},
		{"dial postgres://bob:hun/ter2@db:5432/shop", "dial postgres://[redacted]@db:5432/shop"},
		{"dial postgres://bob:hun@ter2@db:5432/shop", "dial postgres://[redacted]@db:5432/shop"},
		{"redis://:hunter2@cache:6379/0", "redis://[redacted]@cache:6379/0"},
		{"https://ghp_abc@github.com/x", "https://[redacted]@github.com/x"},
		{"dsn root:hun@ter/2@tcp(db:3306)/shop", "dsn root:[redacted]@tcp(db:3306)/shop"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nx",
			"-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\nx"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----[redacted]"},
		// percent-encoded
		{"GET /x?next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc&y=1", "GET /x?next=https%3A%2F%2Fx%2F%3Ftoken%3D%5Bredacted%5D&y=1"},
		{"data=%7B%22password%22%3A%22x%22%7D", "data=%7B%22password%22%3A%22%5Bredacted%5D%22%7D"},
		{"q=Bearer+abc1", "q=Bearer+%5Bredacted%5D"},
		{"next=x%253Ftoken%253Dabc", "next=x%253Ftoken%253D%255Bredacted%255D"},
		// cut off, or with quotes out of step
		{"password='it's mine' x=1", "password='[redacted]' x=1"},
		{"token='abc password='hunter2' x=1", "token='[redacted]' x=1"},
		{`{"token":"abc{"password":"hunter2","x":1}`, `{"token":"[redacted]","x":1}`},
		{`{"a":"{\"password\":\"hunt","user":"bob"}`, `{"a":"{\"password\":\"[redacted]","user":"bob"}`},
		{"token='abc\nSELECT 1 WHERE pin IN ('x', 'y')", "token='[redacted]', '[redacted]')"},
		{"type=token user=bob", "type=token user=bob"},
		// by the rule, though nobody would call them secret
		{"author=tolkien", "author=[redacted]"},
		{"auth: user not found", "auth: [redacted]"},
		{"shipping=fast", "shipping=[redacted]"},
	} {
		wantText(t, redact.List{}, test.in, test.want)
	}
}

func TestOrdinaryTextStaysReadable(t *testing.T) {
	for _, s := range []string{
		"",
		"dial tcp 10.0.0.1:5432: connect: connection refused",
		"failed to get token for account 5: context deadline exceeded",
		`pq: password authentication failed for user "bob"`,
		"SELECT id, name FROM users WHERE id = $1 AND name LIKE 'a%' ORDER BY name LIMIT 10",
		"SELECT token, password FROM users WHERE id = 5",
		"SELECT * FROM users WHERE token = ? AND password = $2",
		"INSERT INTO users (name, password) VALUES (?, ?), ($1, $2)",
		"INSERT INTO users (name, email) VALUES ('bob', 'bob@example.com')",
		"UPDATE sessions SET expires = 5 WHERE id = 7",
		"SELECT 1 FROM card c JOIN token t ON c.id = t.id",
		"if err := auth.Check(ctx, r); err != nil {",
		"return session.Get(ctx, id)",
		"session := store.Get(ctx, id)",
		`if token == "" {`,
		"case token == nil:",
		"https://auth.example.com:8443/login?user=bob#top",
		"http://[::1]:8080/x",
		"see https://example.com/@bob and mailto:bob@example.com or bob@example.com",
		"git@github.com:acme/shop.git",
		"a basic example of a secret garden; the author said so",
		"the token 5 is the card that the session wants",
		"eyJ is how a token begins",
		`{"a":"b","email":"bob@example.com"}`,
		"10:30 100% 1+1=2 a%2Bb %zz %",
		"goroutine 7 [chan receive]:\nmain.f(0xc000012345)\n\t/src/main.go:42 +0x1d",
		"-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
		"the auth\n=====\n",
		"пароль: x",
	} {
		wantText(t, redact.List{}, s, s)
	}
}

// These need more than one pass: marks come to stand side by side.
func TestRedactingTwiceChangesNothingMore(t *testing.T) {
	var l redact.List
	for _, s := range []string{
		"AUTH x'\n\\\" nametoken /* token LIKE\\\"", "://::, x AUTH --token '", "--tokentoken('--token ' {nilauth\tkey",
		"||password[eyJabcdefghijk.|:=--token", "notcookie :=Authorization(bearerBearereyJabcdefghijk.:=",
		"INSERT INTO AUTH +|| bearerAuthorization N'\\ / VALUES ", "auth BY:; x+ <auth&", "-----ENDauth%3D$1||\t:|+|",
	} {
		wantStable(t, s, l.Text)
		wantStable(t, s, l.URI)
	}
}

func TestMoreNamesAreMatchedInTheSameWay(t *testing.T) {
	l := redact.New("X-Forwarded-For", "--", "", "E-Mail")
	wantText(t, l, "x_forwarded_for=10.0.0.1 a=b", "x_forwarded_for=[redacted] a=b")
	wantText(t, l, `{"Email":"bob"}`, `{"Email":"[redacted]"}`)
	wantText(t, l, "password=x", "password=[redacted]")
	wantText(t, redact.List{}, "x_forwarded_for=10.0.0.1", "x_forwarded_for=10.0.0.1")
}

func TestInvalidUTF8IsMadeValid(t *testing.T) {
	wantText(t, redact.List{}, "a\xffb password=\xff\xfe", "a\uFFFDb password=[redacted]")
	wantText(t, redact.List{}, "token%3D%FF", "token%3D%5Bredacted%5D")
}

func wantText(t *testing.T, l redact.List, in, want string) {
	t.Helper()
	got := l.Text(in)
	if got != want {
		t.Errorf("%q\n got %q\nwant %q", in, got, want)
	}
	if again := l.Text(got); again != got {
		t.Errorf("%q\nonce  %q\ntwice %q", in, got, again)
	}
	if !utf8.ValidString(got) {
		t.Errorf("%q: %q is not UTF-8", in, got)
	}
}

// What would take quadratic time in a careless scanner takes minutes at this length. Under the race
// detector it is a part of it.
func TestAMebibyteTakesLessThanASecond(t *testing.T) {
	for _, unit := range []string{
		"a", "a ", "password", "password ", "password=", "password:", "password='", "password=(", "password=x(",
		"a:", "a://", "a:a@", "=", "'", `\`, `\"`, `"password":`, "[", "{", "(", "token[", "token[]", "token/*", "/*",
		"token like ", "identified by ", "insert into (token) values ", "insert (", ")values", "a&b=", "token: a, ",
		"eyJ", "eyJabcdefghij.", "bearer ", "-----BEGIN PRIVATE KEY-----", "%25", "%2525", "+", "token%3D", "::a", "token::a",
		"set password for ", "AUTH ", "token \"", "<token>", "<", "https://a:b", "https://a:b/@", "--token ", "\n", "token:\n",
		"token := f(\"", "\xff", "é", ";token=", "&", "'\\", "token: 'a' ", "token>a ", "token=x(a) ", "auth ", "token: a\n",
	} {
		text := strings.Repeat(unit, (1<<20)/slow/len(unit))
		begun := time.Now()
		var l redact.List
		l.Text(text)
		l.URI("/?" + text)
		l.Header("X", text)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%q: %v for Text, URI and Header", unit, took)
		}
	}
}
