package spool

import "fmt"

// Lost says what a damaged file has cost. Nothing is thrown away: the file is kept.
type Lost struct {
	// Kept is the path of the damaged file.
	Kept string
	// Reason is the first damage that was found; it is ErrDamaged.
	Reason error
	// Saved are the entries that the new file has.
	Saved int
	// Entries and Bytes are those that it has not. They are -1 if the page that tells how many there were
	// after the last commit is damaged: then all from the commit before are saved, unless more is damaged,
	// and what is lost is what the last one had added. With Again they are at most so many.
	Entries int
	Bytes   int64
	// IDs are those of lost entries of which the ID could still be read, its body being damaged.
	IDs []string
	// Again are, of those saved, entries that come from the commit before the last, because the last one
	// is damaged. Some may have been acknowledged in that last one, and are delivered again.
	Again int
}

// String tells it in a sentence.
func (l Lost) String() string {
	entries := "what the last commit had added is"
	if l.Entries >= 0 {
		entries = fmt.Sprintf("%d entries (%d bytes) are", l.Entries, l.Bytes)
	}
	again := ""
	if l.Again > 0 {
		again = fmt.Sprintf(", %d of them possibly once more", l.Again)
	}
	return fmt.Sprintf("%s lost, %d saved%s, the damaged file is kept as %s: %v", entries, l.Saved, again, l.Kept, l.Reason)
}
