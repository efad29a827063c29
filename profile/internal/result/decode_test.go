package result_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// A file is one in an archive that Encode has not written.
type file struct {
	name   string
	data   string
	method uint16
	size   uint64 // that the archive says data has when it is unpacked; 0 is the truth of what is stored
}

func archive(files ...file) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: f.method, CompressedSize64: uint64(len(f.data)), UncompressedSize64: f.size}
		if f.size == 0 {
			h.UncompressedSize64 = uint64(len(f.data))
			h.CRC32 = crc32.ChecksumIEEE([]byte(f.data))
		}
		out, err := w.CreateRaw(h)
		if err == nil {
			_, err = out.Write([]byte(f.data))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// deflated is a stored block of data, which decompresses to it.
func deflated(data string) string {
	n := uint16(len(data))
	return string(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16([]byte{1}, n), ^n)) + data
}

// patched is an archive with a 16-bit number in its end record changed.
func patched(data []byte, offset int, n uint16) []byte {
	data = bytes.Clone(data)
	binary.LittleEndian.PutUint16(data[len(data)-22+offset:], n)
	return data
}

func TestDecodeRefusesWhatEncodeWouldNotWrite(t *testing.T) {
	document := file{name: "result.json", data: "{}"}
	whole := archive(document)
	many := make([]file, 50_000)
	for i := range many {
		many[i].name = "x"
	}
	zeros := strings.Repeat("\x00", 1000)
	notArchive := "not an archive of a result, or cut short"
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":                {nil, notArchive},
		"a word":                 {[]byte("PK"), notArchive},
		"an end without room":    {[]byte("PK\x05\x06"), notArchive},
		"no archive":             {bytes.Repeat([]byte("x"), 1000), notArchive},
		"cut short":              {whole[:len(whole)-1], notArchive},
		"something behind":       {append(bytes.Clone(whole), 0), notArchive},
		"something before":       {append([]byte{0}, whole...), "list of files has 1 entries"},
		"a comment":              {patched(whole, 20, 1), "not a valid zip file"},
		"a long list":            {archive(many...), "list of files has 50000 entries"},
		"a list said to be long": {patched(whole, 10, 0xffff), "list of files has 65535 entries"},
		"a list that is longer":  {patched(whole, 10, 2), "unexpected EOF"},
		"empty":                  {archive(), "the archive has no result.json"},
		"no result.json":         {archive(file{name: "run.trace", data: "x"}), "the archive has no result.json"},
		"one elsewhere":          {archive(file{name: "a/result.json", data: "{}"}), "the archive has no result.json"},
		"twice there":            {archive(document, document), "the archive has result.json twice"},
		"a folder":               {archive(file{name: "result.json/"}), "the archive has no result.json"},
		"an empty document":      {archive(file{name: "result.json"}), "result.json: unexpected end of JSON input"},
		"no JSON":                {archive(file{name: "result.json", data: "{]"}), "result.json: invalid character ']'"},
		"other JSON":             {archive(file{name: "result.json", data: "[]"}), "result.json: json: cannot unmarshal array"},
		"empty objects":          {archive(file{name: "result.json", data: `{"Runs":[` + strings.Repeat("{},", 100) + `{}]}`}), "result.json has 102 objects or as many elements in 313 bytes; at most one in 24 is accepted"},
		"numbers for objects":    {archive(file{name: "result.json", data: `{"Runs":[` + strings.Repeat("0,", 100) + `0]}`}), "result.json has 102 objects or as many"},
		"texts for objects":      {archive(file{name: "result.json", data: `{"Runs":[` + strings.Repeat(`"[,",`, 100) + `""]}`}), "result.json has 34 objects or as many"},
		"lists for objects":      {archive(file{name: "result.json", data: `{"Runs":[` + strings.Repeat("[], ", 100) + `[ ]]}`}), "result.json has 102 objects or as many"},
		"an unknown method":      {archive(file{name: "result.json", data: "{}", method: 99}), "result.json: zip: unsupported compression algorithm"},
		"no deflate":             {archive(file{name: "result.json", data: "\xff\xff", method: zip.Deflate}), "result.json: flate: corrupt input"},
		"a large document":       {archive(file{"result.json", zeros, zip.Deflate, 8<<20 + 1}), "result.json: has 8388609 bytes; at most 8388608 are accepted"},
		"a large trace":          {archive(file{"run.trace", zeros, zip.Deflate, 128<<20 + 1}), "run.trace: has 134217729 bytes; at most 134217728"},
		"a size that cannot be":  {archive(file{"run.trace", zeros, zip.Deflate, 128 << 20}), "run.trace: cannot have 134217728 bytes, in 1000 of 1"},
		"a size past all":        {archive(file{"run.trace", zeros, zip.Deflate, 1 << 63}), "run.trace: has 9223372036854775808 bytes"},
		"more than said":         {archive(file{"result.json", deflated("{}" + zeros), zip.Deflate, 2}), "result.json: zip: not a valid zip file"},
		"less than said":         {archive(file{"result.json", deflated("{}"), zip.Deflate, 3}), "result.json: unexpected EOF"},
		"stored, less than said": {archive(file{"result.json", "{}", zip.Store, 3}), "result.json: unexpected EOF"},
		"damaged":                {bytes.Replace(whole, []byte("{}"), []byte("[]"), 1), "result.json: zip: checksum error"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := result.Decode(c.data)
			runtime.ReadMemStats(&after)
			if r != nil || err == nil || !strings.HasPrefix(err.Error(), "result: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode says %v, want %s", err, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 200_000 {
				t.Errorf("Decode took %d bytes of memory for %d", n, len(c.data))
			}
		})
	}
}

func TestDecodeIgnoresWhatItDoesNotKnow(t *testing.T) {
	got, err := result.Decode(archive(
		file{name: "../../etc/passwd", data: "x"},
		file{name: "notes", data: "x", size: 1 << 40, method: 99},
		file{name: "notes"}, file{name: "notes"},
		file{name: "result.json", data: `{"ID":"4f1d","Mood":{"new":[1]},"State":"resting"}`},
		file{name: "response", data: "of a result that has none"},
	))
	want := &result.Result{ID: "4f1d", State: "resting"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Decode gives %+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("PK"))
	f.Add(archive(file{name: "result.json", data: deflated("{}"), method: zip.Deflate, size: 2}, file{name: "other"}))
	f.Add(encoded(f, &result.Result{ID: "4f1d", Profile: []byte("p"), Response: &result.Response{Body: make([]byte, 1<<14)}}))
	f.Fuzz(func(t *testing.T, data []byte) { survives(t, data) })
}

// FuzzDecodeFiles gets past the archive's own checks.
func FuzzDecodeFiles(f *testing.F) {
	f.Add([]byte(`{"Asked":"2026-11-21T09:00:00+01:00","Response":{"Header":{"Server":["x"]}}}`), uint8(0), []byte("<p>"), uint16(0), uint64(0))
	f.Add([]byte(`{"Runs":[{"Took":1,"Status":200}],"Sentence":"\"{"}`), uint8(1), []byte(deflated("trace")), uint16(8), uint64(5))
	f.Fuzz(func(t *testing.T, document []byte, part uint8, data []byte, method uint16, size uint64) {
		name := []string{"response", "run.trace", "profile.pb.gz", "other"}[part%4]
		survives(t, archive(file{name: "result.json", data: string(document)}, file{name, string(data), method, size}))
	})
}

// survives wants that what can be decoded is the same once it is encoded again.
func survives(t *testing.T, data []byte) {
	r, err := result.Decode(data)
	if err != nil {
		return
	}
	data, err = r.Encode()
	if err != nil {
		return // short texts had spaces between them
	}
	again, err := result.Decode(data)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%+v\nbecame\n%+v, %v", r, again, err)
	}
}
