package alert

import "os"

// DirNames are the names that d would write a under, and DirKnows says whether
// it would know them as its own: both for the tests.
func DirNames(d Dir, a Alert) (names []string) {
	for _, f := range d.files(d.stem(a), a) {
		names = append(names, f.Name)
	}
	return names
}

func DirKnows(d Dir, entries []os.DirEntry) (n int) {
	for _, k := range d.alerts(entries) {
		n += len(k.names)
	}
	return n
}
