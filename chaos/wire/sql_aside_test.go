package wire_test

import (
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// Nothing may be put into the middle of what is said outside of answers.
func TestWhatIsAsideInSQLSaysThatItGoesOn(t *testing.T) {
	notice := pg('N', "SNOTICE\x00\x00")
	for name, story := range map[string]struct {
		look func([]byte) wire.Part
		said string
	}{
		"MySQL's greeting":         {wire.MySQL.Follow().Server, greeting(mysqlPlain)},
		"a login":                  {begun(t, wire.MySQL, []turn{server(greeting(mysqlPlain))}).Client, login(mysqlPlain)},
		"MySQL's last word":        {begun(t, wire.MySQL, loggedIn(mysqlPlain)).Server, packet(0, "\xff\x15\x04#28000no, and this at some length")},
		"PostgreSQL's notice":      {begun(t, wire.Postgres, pgLoggedIn()).Server, notice},
		"a startup":                {wire.Postgres.Follow().Client, startup},
		"data that nobody expects": {begun(t, wire.Postgres, pgLoggedIn()).Client, pg('d', "1234")},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			for shown := 1; shown <= len(story.said); shown++ {
				part := story.look([]byte(story.said[n:shown]))
				n += part.N
				if part.Begin || part.End || part.Opaque || part.N > 0 && part.More != (n < len(story.said)) {
					t.Fatalf("%+v with %d of %d", part, n, len(story.said))
				}
			}
			if n != len(story.said) {
				t.Errorf("%d of %d", n, len(story.said))
			}
		})
	}
}
