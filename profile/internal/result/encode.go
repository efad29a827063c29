package result

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
)

// The files of an archive. Others in it are ignored, as another version may have its own.
const (
	documentName = "result.json"
	profileName  = "profile.pb.gz"
	traceName    = "run.trace"
	responseName = "response"
)

const (
	maxDocument = 8 << 20   // bytes of result.json
	maxPart     = 128 << 20 // bytes of each of the others
	worthwhile  = 4 << 10   // bytes; for less a compressor, which takes 1 MB of memory, is not made
)

// A part is one file of an archive.
type part struct {
	name   string
	data   []byte
	max    int
	method uint16
}

// Encode writes the result as an archive for a store, a zip file that Decode reads: result.json,
// profile.pb.gz, run.trace and response, the last three if they are there. Equal results become equal
// archives. What is not UTF-8 in the result's text is replaced. It is an error if result.json has more
// than 8 MiB or one of the others more than 128 MiB, or if it is of very many very short texts.
//
// A trace of 5 MB of an HTTP server takes 65 ms and leaves 42 to 57 % (BenchmarkEncode). The default
// compression leaves a fifteenth less and takes two and a half times as long.
func (r *Result) Encode() ([]byte, error) {
	document, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("result: cannot be written as JSON: %w", err)
	}
	if err := checkWeight(document); err != nil {
		return nil, err // a response may have a thousand header fields of one letter
	}
	parts := []part{
		{documentName, document, maxDocument, zip.Deflate},
		{profileName, r.Profile, maxPart, zip.Store}, // is compressed
		{traceName, r.Trace, maxPart, zip.Deflate},
	}
	if r.Response != nil {
		parts = append(parts, part{responseName, r.Response.Body, maxPart, zip.Deflate})
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	w.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	for _, p := range parts {
		if err := p.write(w); err != nil {
			return nil, fmt.Errorf("result: %s %w", p.name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	return archive.Bytes(), nil
}

func (p part) write(w *zip.Writer) error {
	if p.data == nil {
		return nil
	}
	if len(p.data) > p.max {
		return fmt.Errorf("has %d bytes; at most %d are accepted", len(p.data), p.max)
	}
	if len(p.data) < worthwhile {
		p.method = zip.Store
	}
	f, err := w.CreateHeader(&zip.FileHeader{Name: p.name, Method: p.method})
	if err != nil {
		return err
	}
	_, err = f.Write(p.data)
	return err
}
