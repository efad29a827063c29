package result

import (
	"encoding/json"
	"errors"
)

// Encode writes the result as one archive for a store.
func (r *Result) Encode() ([]byte, error) { return json.Marshal(r) }

// Decode reads what Encode has written.
func Decode(data []byte) (*Result, error) {
	r := new(Result)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, errors.New("result: not an archive")
	}
	return r, nil
}
