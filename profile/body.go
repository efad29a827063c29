package profile

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/heeler-go/heeler/internal/problem"
)

// maxBody is the largest body of a request that is kept until it runs.
const maxBody = 32 << 20

// A taped is a request's body that was read to its end.
type taped struct {
	data []byte
	err  error           // that came after the data; io.EOF if all is well
	form *multipart.Form // that was made of it further out; nil if none was
}

// tape reads the body of r. It is not ok if that is too large.
func tape(r *http.Request) (t taped, ok bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return taped{err: io.EOF}, true
	}
	if r.ContentLength > maxBody {
		return taped{}, false
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r.Body, maxBody+1))
	if n > maxBody {
		return taped{}, false
	}
	if err == nil {
		err = io.EOF
	}
	return taped{data: b.Bytes(), err: err}, true
}

// tooLarge is the answer to a request whose body is.
func tooLarge() problem.Problem {
	return problem.Problem{
		Status: http.StatusRequestEntityTooLarge,
		Detail: fmt.Sprintf("profile: the body has more than %d MiB, which are kept at most until it is the request's turn; "+
			"with the option inline, and without n, it is read as it comes", maxBody>>20),
		Unread: true,
	}
}

// takeForm takes over the files of a form that was parsed further out: net/http removes them when the
// client has its answer, and the request may run only then.
func (t *taped) takeForm(r *http.Request) {
	if outside := r.MultipartForm; outside != nil {
		t.form = &multipart.Form{Value: outside.Value, File: outside.File}
		outside.File = nil
		r.MultipartForm = t.form
	}
}

// discard removes what takeForm has taken over.
func (t taped) discard() {
	if t.form != nil {
		t.form.RemoveAll()
	}
}

// replay is the body again. It fails where the original did, and in the same way.
func (t taped) replay() io.ReadCloser {
	if len(t.data) == 0 && t.err == io.EOF {
		return http.NoBody
	}
	return &replayed{data: bytes.NewReader(t.data), err: t.err}
}

type replayed struct {
	data   *bytes.Reader
	err    error
	closed bool
}

func (b *replayed) Read(p []byte) (int, error) {
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.data.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func (b *replayed) Close() error {
	b.closed = true
	return nil
}
