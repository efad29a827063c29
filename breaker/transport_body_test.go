package breaker_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// pieces answers with n pieces, each sent at once, with a pause before it.
func pieces(n int, pause time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for range n {
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
			io.WriteString(w, "piece ")
			w.(http.Flusher).Flush()
		}
	}
}

func TestACallLastsUntilTheEndOfTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, pieces(2, 100*ms))
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, b, counts{inProgress: 1})
		if body, err := io.ReadAll(resp.Body); string(body) != "piece piece " || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		wantCounts(t, b, counts{succeeded: 1}) // before Close
		if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("after the end: %d, %v", n, err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
	})
}

func TestTimeoutIsForEachWaitForTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		client := serve(t, b, pieces(10, 190*ms))
		if _, body, err := get(client); len(body) != 60 || err != nil {
			t.Errorf("%q, %v", body, err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		if took := b.Stats().Time; took != 1900*ms {
			t.Errorf("took %v", took)
		}
	})
}

func TestABodyThatStopsFailsAtTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		client := serve(t, b, pieces(2, 300*ms))
		start := time.Now()
		_, _, err := get(client)
		wantLate(t, err)
		if took := time.Since(start); took != 200*ms {
			t.Errorf("took %v", took)
		}
		wantState(t, b, breaker.Open)
		wantCounts(t, b, counts{failed: 1})
	})
}

func TestTheTimeThatTheCallerTakesToReadDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		client := serve(t, b, pieces(2, 0))
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			time.Sleep(time.Minute)
			if _, err := io.ReadFull(resp.Body, make([]byte, 6)); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		if _, err := resp.Body.Read(make([]byte, 1)); err != io.EOF {
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		if s := b.Stats(); s.Time != 0 || s.Slow != 0 {
			t.Errorf("it took %v, %d slow", s.Time, s.Slow)
		}
	})
}

func TestABodyThatBreaksOffIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		if _, body, err := get(client); body != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q, %v", body, err)
		}
		wantCounts(t, b, counts{failed: 1})
	})
}

func TestABodyThatItsCallerCancelsSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, pieces(1, time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://books.test/", nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(100*ms, cancel)
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		resp.Body.Close()
		wantCounts(t, b, counts{uncounted: 1})
	})
}

// Its connection comes back with the context, and so must the call.
func TestABodyThatIsForgottenEndsWithItsCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, pieces(100, 100*ms))
		ctx, leave := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://books.test/", nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := resp.Body.Read(make([]byte, 10)); n == 0 {
			t.Error(err)
		}
		wantCounts(t, b, counts{inProgress: 1})
		leave()
		synctest.Wait()
		wantCounts(t, b, counts{succeeded: 1})
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		resp.Body.Close()
		wantCounts(t, b, counts{succeeded: 1})
	})
}

func TestABodyMayBeClosedBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, pieces(2, time.Hour))
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("a Read after Close: %v", err)
		}
		wantCounts(t, b, counts{succeeded: 1})
	})
}

func TestABodyMayBeClosedWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, pieces(2, time.Hour))
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(100*ms, func() { resp.Body.Close() })
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("no error")
		}
		synctest.Wait()
		wantCounts(t, b, counts{uncounted: 1})
	})
}

func TestABodyThatIsNeverReadDoesNotKeepTheProbesPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1, Timeout: 200 * ms}
		client := serve(t, b, pieces(1, 0))
		trip(t, b)
		time.Sleep(b.RetryAfter())
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		wantRefusal(t, b)
		time.Sleep(200 * ms)
		synctest.Wait()
		wantState(t, b, breaker.Closed)
	})
}

func TestAProbeCutWhileItsBodyIsReadTripsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1, Timeout: 200 * ms}
		client := serve(t, b, pieces(2, 300*ms))
		trip(t, b)
		time.Sleep(b.RetryAfter())
		_, _, err := get(client)
		wantLate(t, err)
		wantState(t, b, breaker.Open)
	})
}

func TestAnAnswerWithoutABodyEndsTheCall(t *testing.T) {
	for name, body := range map[string]io.ReadCloser{"none": nil, "NoBody": http.NoBody} {
		b := &breaker.Breaker{}
		rt := b.Transport(tripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: body}, nil
		}))
		req, _ := http.NewRequest("GET", "http://books.test/", nil)
		if resp, err := rt.RoundTrip(req); err != nil || resp.Body != body {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		wantCounts(t, b, counts{succeeded: 1})
	}
}

func TestAfterASwitchOfProtocolsTheConnectionIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) {
			conn, rw, _ := http.NewResponseController(w).Hijack()
			defer conn.Close()
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			line, _ := rw.ReadString('\n')
			time.Sleep(time.Hour)
			io.WriteString(conn, strings.ToUpper(line))
		})
		req, _ := http.NewRequest("GET", "http://books.test/", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		talk, ok := resp.Body.(io.ReadWriteCloser)
		if !ok {
			t.Fatalf("the body is a %T", resp.Body)
		}
		defer talk.Close()
		io.WriteString(talk, "hello\n")
		if answer, err := io.ReadAll(talk); string(answer) != "HELLO\n" || err != nil {
			t.Errorf("%q, %v", answer, err)
		}
	})
}

// A proxy hands on what its clients send, as slowly as they do.
func TestTheTimeThatTheCallerTakesToSendDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
		body, caller := io.Pipe()
		go func() {
			for range 3 {
				time.Sleep(time.Minute)
				io.WriteString(caller, "piece ")
			}
			time.Sleep(time.Minute)
			caller.Close()
		}()
		resp, err := client.Post("http://books.test/", "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "piece piece piece " {
			t.Errorf("%q", body)
		}
		wantCounts(t, b, counts{succeeded: 1})
	})
}

func TestABodyThatTheCallerBreaksOffSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		body, caller := io.Pipe()
		go caller.CloseWithError(errDown)
		if _, err := client.Post("http://books.test/", "text/plain", body); !errors.Is(err, errDown) {
			t.Error(err)
		}
		wantCounts(t, b, counts{uncounted: 1})
	})
}

func TestAProbeWhoseCallerSendsNothingSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		trip(t, b)
		time.Sleep(b.RetryAfter())
		body, caller := io.Pipe()
		defer caller.Close()
		done := make(chan error, 1)
		go func() {
			_, err := client.Post("http://books.test/", "text/plain", body)
			done <- err
		}()
		synctest.Wait()
		wantRefusal(t, b)
		time.Sleep(200 * ms)
		synctest.Wait()
		wantState(t, b, breaker.HalfOpen)
		do(t, b, 1, succeeds) // the place is free
		wantState(t, b, breaker.Closed)
		caller.CloseWithError(errDown)
		<-done
	})
}

func TestAProbeThatSentABodyIsGoodWithItsHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms, TripAfter: 1}
		client := serve(t, b, pieces(1, 0))
		trip(t, b)
		time.Sleep(b.RetryAfter())
		resp, err := client.Post("http://books.test/", "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		time.Sleep(200 * ms)
		synctest.Wait()
		wantState(t, b, breaker.Closed)
	})
}

// A server may answer before it has got all of the request.
func TestWhatIsSentAfterTheAnswerHasNoPartInTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		sent := make(chan error)
		rt := b.Transport(tripper(func(r *http.Request) (*http.Response, error) {
			go func() {
				_, err := io.Copy(io.Discard, r.Body)
				sent <- err
			}()
			time.Sleep(100 * ms)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("answer"))}, nil
		}))
		body, caller := io.Pipe()
		req, _ := http.NewRequest("POST", "http://books.test/", body)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Minute)
			io.WriteString(caller, "piece ")
		}
		caller.Close()
		if err := <-sent; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if answer, err := io.ReadAll(resp.Body); string(answer) != "answer" || err != nil {
			t.Errorf("%q, %v", answer, err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		if took := b.Stats().Time; took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestABodyThatIsSentAgainIsTheCallersTimeToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		rt := b.Transport(tripper(func(r *http.Request) (*http.Response, error) {
			body, err := r.GetBody()
			if err != nil {
				return nil, err
			}
			_, err = io.Copy(io.Discard, body)
			return &http.Response{StatusCode: 200, Body: http.NoBody}, err
		}))
		body, caller := io.Pipe()
		time.AfterFunc(time.Minute, func() { caller.Close() })
		req, _ := http.NewRequest("POST", "http://books.test/", strings.NewReader(""))
		req.GetBody = func() (io.ReadCloser, error) { return body, nil }
		if _, err := rt.RoundTrip(req); err != nil {
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
	})
}

// A backend that takes a long request piece by piece is well.
func TestTimeoutIsForEachPieceOfTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) {
			for {
				time.Sleep(100 * ms)
				if _, err := io.CopyN(io.Discard, r.Body, 32<<10); err != nil {
					return
				}
			}
		})
		resp, err := client.Post("http://books.test/", "text/plain", bytes.NewReader(make([]byte, 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		wantCounts(t, b, counts{succeeded: 1})
		if took := b.Stats().Time; took < 3*s {
			t.Errorf("took %v", took)
		}
	})
}

func TestABackendThatTakesNothingOfARequestFailsAtTimeout(t *testing.T) {
	l := listen(t)
	b := &breaker.Breaker{Timeout: 100 * ms}
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	client := &http.Client{Transport: b.Transport(base)}
	_, err := client.Post("http://"+l.Addr().String(), "text/plain", io.LimitReader(zeros{}, 1<<30))
	wantLate(t, err)
	wantCounts(t, b, counts{failed: 1})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
