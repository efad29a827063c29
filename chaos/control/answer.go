package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// MaxBody is how much a request may say, in bytes. Who says more gets a 413.
const MaxBody = 1 << 20

// An Error is a refusal, as the server writes and the [Client] returns it.
type Error struct {
	Message string `json:"error"`           // what was wrong and what is accepted
	Status  int    `json:"status"`          // of HTTP
	Field   string `json:"field,omitempty"` // the field of the request that was wrong, where it was one
}

func (e *Error) Error() string {
	return fmt.Sprintf("chaos/control: %s (HTTP %d)", e.Message, e.Status)
}

// refusal makes an Error.
func refusal(status int, field, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Status: status, Field: field}
}

// What toxiproxy's clients look for, word by word.
func notFound(what string) *Error { return refusal(http.StatusNotFound, "", "%s not found", what) }
func exists(what string) *Error   { return refusal(http.StatusConflict, "", "%s already exists", what) }
func missing(field string) *Error {
	return refusal(http.StatusBadRequest, field, "missing required field: %s", field)
}

// badBody is what a body that is no JSON, or has the wrong types, gets.
func badBody(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		what := cmp.Or(wrong.Field, "it")
		return refusal(http.StatusBadRequest, wrong.Field, "bad request body: %s is a JSON %s, want %s",
			what, wrong.Value, jsonName(wrong.Type))
	}
	return refusal(http.StatusBadRequest, "", "bad request body: %v", err)
}

// jsonName is what JSON calls the values that a type takes.
func jsonName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return jsonName(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Float64:
		return "a number"
	case reflect.Uint64:
		return "a whole number from 0"
	}
	return "an object"
}

// asError gives an error its status: 500 where nobody has said another, in the words of the system
// where it is about an address.
func asError(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	var system *net.OpError
	if errors.As(err, &system) {
		err = system
	}
	return refusal(http.StatusInternalServerError, "", "%v", err)
}

// An endpoint answers one method of one path. A nil body is none.
type endpoint func(r *http.Request) (status int, body any, err error)

// methods are what a path answers to.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	serve, ok := m[method]
	if !ok {
		var known []string
		for name := range m {
			known = append(known, name)
		}
		slices.Sort(known)
		w.Header().Set("Allow", strings.Join(known, ", "))
		writeError(w, refusal(http.StatusMethodNotAllowed, "", "%s is not allowed here, want %s",
			r.Method, strings.Join(known, " or ")))
		return
	}
	serve(w, r)
}

// plain serves an endpoint whose errors have toxiproxy's form.
func plain(answer endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if status, body, err := answer(r); err != nil {
			writeError(w, asError(err))
		} else {
			writeJSON(w, status, body)
		}
	}
}

func writeError(w http.ResponseWriter, err *Error) {
	if err.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, err.Status, err)
}

// writeJSON answers. That a client has gone is its own business.
func writeJSON(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		status, data = http.StatusInternalServerError, []byte(`{"error":"the answer is no JSON","status":500}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(data, '\n'))
}

// readBody gives what the request says, whatever its Content-Type: Vaurien's client sends none.
func readBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, refusal(http.StatusRequestEntityTooLarge, "", "the body has more than %d bytes", MaxBody)
	}
	if err != nil {
		return nil, badBody(err)
	}
	return data, nil
}

// readJSON reads a body into a value.
func readJSON(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return badBody(err)
	}
	return nil
}
