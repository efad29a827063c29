package result

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	maxDirectory = 4 << 10 // bytes that an archive's list of files has
	endLength    = 22      // bytes of the record at its end
	maxRatio     = 1032    // of what deflate makes of its input: 258 bytes of two bits
	weight       = 3       // of what is an element or an object, where a string that is an element has 1
	minWeighed   = 8       // bytes of JSON for each weight of 1 on average; the shortest object, a Statement, has 31
)

// Decode reads what Encode has written, on a machine that may run another version.
//
// The archive may be anybody's, as a store may be shared. It is an error, and costs little memory, if it
// is none, if there is no result.json, and if a file in it is damaged, twice there, larger than Encode
// would write or packed more tightly than it could be. What passes has at most 128 MiB of each part, and
// takes 200 MB for the rest.
func Decode(archive []byte) (*Result, error) {
	parts, err := unpack(archive)
	if err != nil {
		return nil, err
	}
	document, ok := parts[documentName]
	if !ok {
		return nil, errors.New("result: the archive has no " + documentName)
	}
	if err := checkWeight(document); err != nil {
		return nil, err
	}
	r := new(Result)
	if err := json.Unmarshal(document, r); err != nil {
		return nil, fmt.Errorf("result: %s: %w", documentName, err)
	}
	r.Profile, r.Trace = parts[profileName], parts[traceName]
	if r.Response != nil {
		r.Response.Body = parts[responseName]
	}
	return r, nil
}

// checkWeight says whether a document may take the memory that it would.
func checkWeight(document []byte) error {
	if n := weigh(document); n > 10*weight+len(document)/minWeighed {
		return fmt.Errorf("result: %s has %d objects or as many elements in %d bytes; at most one in %d is accepted",
			documentName, n/weight, len(document), weight*minWeighed)
	}
	return nil
}

// weigh counts what takes memory in a JSON document: its objects and the elements of its lists, whatever
// they are, as package json makes room for one that is of the wrong type, too. Else 8 kB of packed "0,0,0"
// would take 2 GB.
func weigh(document []byte) (n int) {
	element := false // what comes next is one, or a key
	text := 0        // what the string just before has added
	for i := 0; i < len(document); i++ {
		added := 0
		switch c := document[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case c == ':':
			n -= text // it was a key
		case c == '"':
			for i++; i < len(document) && document[i] != '"'; i++ {
				if document[i] == '\\' {
					i++
				}
			}
			if element {
				added = 1
				n++
			}
		case c == '{' || element && c != ',' && c != ']':
			n += weight
		}
		text = added
		element = i < len(document) && (document[i] == '[' || document[i] == ',')
	}
	return n
}

// unpack reads the files of an archive by name.
func unpack(archive []byte) (map[string][]byte, error) {
	if err := checkDirectory(archive); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	limits := map[string]uint64{documentName: maxDocument, profileName: maxPart, traceName: maxPart, responseName: maxPart}
	parts := make(map[string][]byte, len(limits))
	for _, f := range z.File {
		limit, known := limits[f.Name]
		if !known {
			continue
		}
		if _, twice := parts[f.Name]; twice {
			return nil, fmt.Errorf("result: the archive has %s twice", f.Name)
		}
		if parts[f.Name], err = read(f, limit, uint64(len(archive))); err != nil {
			return nil, fmt.Errorf("result: %s: %w", f.Name, err)
		}
	}
	return parts, nil
}

// checkDirectory says whether the archive ends as those of Encode do: in a short list of files and a
// record of where that is. Else a list of all the archive's length would be read, at ten times its size.
func checkDirectory(archive []byte) error {
	end := archive[max(0, len(archive)-endLength):]
	if !bytes.HasPrefix(end, []byte("PK\x05\x06")) || len(end) < endLength {
		return errors.New("result: not an archive of a result, or cut short")
	}
	records := binary.LittleEndian.Uint16(end[10:])
	size := uint64(binary.LittleEndian.Uint32(end[12:]))
	offset := uint64(binary.LittleEndian.Uint32(end[16:]))
	if records > maxDirectory/46 || size > maxDirectory || offset+size+endLength != uint64(len(archive)) {
		return fmt.Errorf("result: the archive's list of files has %d entries, %d bytes from %d on; at most %d bytes before the end are accepted",
			records, size, offset, maxDirectory)
	}
	return nil
}

// read reads one file of an archive. What the archive says of its size is held to limit and to what can
// be true, and the file to what the archive says.
func read(f *zip.File, limit, archive uint64) ([]byte, error) {
	size, packed := f.UncompressedSize64, f.CompressedSize64
	if size > limit {
		return nil, fmt.Errorf("has %d bytes; at most %d are accepted", size, limit)
	}
	if packed > archive || size > packed*maxRatio {
		return nil, fmt.Errorf("cannot have %d bytes, in %d of %d", size, packed, archive)
	}
	open, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer open.Close()
	// There is room to see the end without growing. More or less than size is an error that zip gives.
	data := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := data.ReadFrom(open); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}
