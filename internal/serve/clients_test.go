package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clusir/internal/imageio"
)

// slow returns a picture that takes about a second in small tiles.
func slow(t testing.TB) []byte { return picture(t, imageio.Info{W: 600, H: 600}) }

// busy sends a slow picture and returns once its computation has begun; wait returns
// the response.
func (w *site) busy() (wait func() reply) {
	answer := make(chan reply, 1)
	in := slow(w)
	page := "busy-busy-busy-busy"
	events, stop, err := w.progress.listen(page)
	must(w, err)
	defer stop()
	go func() {
		answer <- w.send(http.MethodPost, "/v1/restore?tile=128", http.Header{progressHeader: {page + "/1"}}, bytes.NewReader(in))
	}()
	for e := range events {
		if e.State == computing {
			break
		}
	}
	return func() reply { return <-answer }
}

// TestFullQueue: pictures beyond the queue are refused with a time to retry, and
// accepted ones are done.
func TestFullQueue(t *testing.T) {
	w := start(t, func(o *Options) { o.Queue = 2 })
	first, in := w.busy(), picture(t, imageio.Info{W: 24, H: 16})
	var done, refused atomic.Int64
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			switch got := w.post("", in); got.status {
			case http.StatusOK:
				done.Add(1)
			case http.StatusTooManyRequests:
				if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 || !strings.Contains(got.text(), "queue is full") {
					t.Errorf("Retry-After %d, %v, %s", after, err, got.text())
				}
				refused.Add(1)
			default:
				t.Errorf("%d %s", got.status, got.text())
			}
		})
	}
	clients.Wait()
	// Besides those in the queue, restore works on up to three at a time.
	if first().status != http.StatusOK || done.Load() < 2 || done.Load() > 6 || refused.Load() < 14 {
		t.Errorf("%d done, %d refused", done.Load(), refused.Load())
	}
}

// TestGoneClients: when a client leaves, its picture is dropped at once, whether
// computing or waiting, and the next one is served.
func TestGoneClients(t *testing.T) {
	w := start(t, nil)
	in := slow(t)
	ctx, leave := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/restore?tile=128", bytes.NewReader(in))
			must(t, err)
			if res, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", res, err)
			}
		})
	}
	eventually(t, "pictures wait", func() bool { return w.queue.length() >= 4 })
	leave()
	clients.Wait()
	eventually(t, "their files are removed", func() bool { return w.spool.open.Load() == 0 && w.queue.length() == 0 })
	if got := w.post("", picture(t, imageio.Info{W: 24, H: 16})); got.status != http.StatusOK {
		t.Errorf("the next: %d %s", got.status, got.text())
	}
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body)
	for done := range 3 { // the next one, and what may have finished before they left
		if strings.Contains(metrics, fmt.Sprintf("clusir_pictures_total{outcome=\"restored\"} %d\n", done)) {
			metrics = ""
		}
	}
	if metrics != "" {
		t.Errorf("the work continued:\n%s", metrics)
	}
	if text := w.log.String(); text != "" {
		t.Errorf("the log has %q", text)
	}
}

// TestTimeLimit: a picture that takes too long is ended, and others are not.
func TestTimeLimit(t *testing.T) {
	w := start(t, func(o *Options) { o.MaxTime = 400 * time.Millisecond })
	got := w.post("?tile=128", picture(t, imageio.Info{Format: imageio.BMP, W: 1600, H: 1500}))
	if got.status != http.StatusGatewayTimeout || !strings.Contains(got.text(), "takes longer than 400ms, the limit") {
		t.Errorf("%d %s", got.status, got.text())
	}
	in := picture(t, imageio.Info{W: 24, H: 16}) // under load even this one may be late
	eventually(t, "the next is restored", func() bool { return w.post("", in).status == http.StatusOK })
}

// TestPatientClients: a picture may take longer to restore than its client may take to
// send a piece of it, whichever way it is sent.
func TestPatientClients(t *testing.T) {
	w := start(t, func(o *Options) { o.Patience = 300 * time.Millisecond })
	in := slow(t)
	header, body := form("picture/a.png", in)
	for name, send := range map[string]func() reply{
		"a body": func() reply { return w.post("?tile=128", in) },
		"a form": func() reply { return w.send(http.MethodPost, "/v1/restore?tile=128", header, body) },
	} {
		begin := time.Now()
		if got := send(); got.status != http.StatusOK || time.Since(begin) < w.Patience {
			t.Errorf("%s: %d %s after %v", name, got.status, got.text(), time.Since(begin))
		}
	}
}

// TestPatientListeners: a stream of progress stays open however long nothing happens.
func TestPatientListeners(t *testing.T) {
	w := start(t, func(o *Options) { o.Patience = 200 * time.Millisecond })
	const page = "0123456789abcdef"
	conn := w.dial("GET /v1/progress/" + page + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), ":") {
	}
	time.Sleep(5 * w.Patience)
	w.progress.send(page, event{Picture: "cat"})
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if !strings.Contains(lines.Text(), `"cat"`) {
		t.Errorf("the stream ended with %q, %v", lines.Text(), lines.Err())
	}
}

// TestGoneForms: work on the picture of a form stops when its client leaves, also if the
// form's length was not known in advance.
func TestGoneForms(t *testing.T) {
	w := start(t, nil)
	header, body := form("picture/a.png", slow(t))
	conn := w.dial(fmt.Sprintf("POST /v1/restore?tile=128 HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n",
		header.Get("Content-Type"), body.Len(), body))
	time.Sleep(200 * time.Millisecond) // the form is complete, but the request is not
	_, err := io.WriteString(conn, "0\r\n\r\n")
	must(t, err)
	eventually(t, "it has arrived", func() bool { return w.spool.open.Load() == 2 })
	must(t, conn.Close())
	eventually(t, "its files are removed", func() bool { return w.spool.open.Load() == 0 })
	if metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body); strings.Contains(metrics, "clusir_pictures_total{outcome=\"restored\"} 1\n") {
		t.Error("the picture was restored for nobody")
	}
}

// dial opens a connection and sends text.
func (w *site) dial(text string) net.Conn {
	w.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	must(w, err)
	_, err = io.WriteString(c, text)
	must(w, err)
	return c
}

// TestSlowClients: a client that sends a header or a body byte by byte, or does not
// receive, is cut off, and takes no place in the queue meanwhile.
func TestSlowClients(t *testing.T) {
	// Two clients of each kind would fill the queue, while one picture does not.
	w := start(t, func(o *Options) { o.Patience, o.Queue = time.Second, 2 })
	for name, c := range map[string]struct{ begin, want string }{
		"a header": {"POST /v1/restore HTTP/1.1\r\nHost: localhost\r\n", "HTTP/1.1 408"}, // by Go's server, or nothing
		"a body":   {"POST /v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 408 "},
		"a form":   {"POST /v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n--x\r\n", "HTTP/1.1 408 "},
		"no body":  {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", "HTTP/1.1 200 "},
	} {
		for range 2 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn := w.dial(c.begin)
				defer conn.Close()
				begin := time.Now()
				go func() {
					for time.Since(begin) < 20*time.Second {
						if _, err := conn.Write([]byte("X")); err != nil {
							return
						}
						time.Sleep(20 * time.Millisecond)
					}
				}()
				_ = conn.SetReadDeadline(begin.Add(20 * time.Second))
				text, err := io.ReadAll(conn)
				if err != nil && !strings.Contains(err.Error(), "reset") || name != "a header" && !strings.HasPrefix(string(text), c.want) {
					t.Errorf("after %v: %v, %q", time.Since(begin), err, text)
				}
				if took := time.Since(begin); took > 10*time.Second {
					t.Errorf("it was kept for %v", took)
				}
			})
		}
	}
	t.Run("meanwhile", func(t *testing.T) {
		t.Parallel()
		for range 5 {
			if got := w.post("", picture(t, imageio.Info{W: 24, H: 16})); got.status != http.StatusOK {
				t.Errorf("%d %s", got.status, got.text())
			}
		}
	})
}

// TestUnreadAnswer: a result that its client does not receive is dropped.
func TestUnreadAnswer(t *testing.T) {
	w := start(t, func(o *Options) { o.Patience, o.MaxBody = 300*time.Millisecond, 32<<20 })
	in := picture(t, imageio.Info{Format: imageio.BMP, W: 2000, H: 1600})
	header, body := form("picture/a.png", in, "restored/b.png", in)
	conn := w.dial(fmt.Sprintf("POST /v1/restore?format=bmp HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		header.Get("Content-Type"), body.Len()))
	defer conn.Close()
	_, err := io.Copy(conn, body)
	must(t, err)
	eventually(t, "it has arrived", func() bool { return w.spool.open.Load() == 3 })
	eventually(t, "its files are removed", func() bool { return w.spool.open.Load() == 0 })
}

// TestTruncated: a request shorter than its length is refused, and so is a form without
// its end.
func TestTruncated(t *testing.T) {
	w := start(t, nil)
	in := picture(t, imageio.Info{W: 240, H: 160})
	header, body := form("picture/a.png", in)
	for name, text := range map[string]string{
		"a body":    fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(in), in[:len(in)/2]),
		"a chunk":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(in), in[:len(in)/2]),
		"no chunk":  "Transfer-Encoding: chunked\r\n\r\n",
		"bad chunk": "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"a form": fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s", header.Get("Content-Type"), body.Len()-40,
			body.Bytes()[:body.Len()-40]),
	} {
		conn := w.dial("POST /v1/restore HTTP/1.1\r\nHost: localhost\r\n" + text)
		must(t, conn.(*net.TCPConn).CloseWrite())
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v, %v", name, res, err)
		} else if text, err := io.ReadAll(res.Body); err != nil || name != "bad chunk" && !strings.Contains(string(text), "the request is cut short") {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		_ = conn.Close()
	}
	eventually(t, "no files are left", func() bool { return w.spool.open.Load() == 0 })
}

// TestFullDisk: pictures that together exceed the server's disk limit are refused.
func TestFullDisk(t *testing.T) {
	w := start(t, func(o *Options) { o.MaxDisk = 20_000 })
	got := w.post("", make([]byte, 20_001))
	if got.status != http.StatusInsufficientStorage || got.header.Get("Retry-After") == "" || !strings.Contains(got.text(), "no room on the server's disk") {
		t.Errorf("%d %s", got.status, got.text())
	}
	if got := w.post("?format=bmp", picture(t, imageio.Info{W: 240, H: 160})); got.status != http.StatusInsufficientStorage {
		t.Errorf("a result without room: %d %s", got.status, got.text())
	}
}

// TestTemporaryFolderFails: a folder that takes no more, as with too many open files or
// when it is removed, is no fault of the picture, and the client does not learn its path.
func TestTemporaryFolderFails(t *testing.T) {
	w := start(t, nil)
	f, err := w.spool.create()
	must(t, err)
	must(t, f.f.Close())
	_, err = f.Write([]byte("text"))
	_ = f.Close() // for the second time
	if err == nil || statusOf(err) != http.StatusInsufficientStorage || strings.Contains(err.Error(), os.TempDir()) {
		t.Errorf("a file that cannot be written to: %v", err)
	}
	must(t, os.RemoveAll(os.Getenv("TMPDIR")))
	got := w.post("", picture(t, imageio.Info{W: 24, H: 16}))
	if got.status != http.StatusInsufficientStorage || got.header.Get("Retry-After") == "" || strings.Contains(got.text(), os.TempDir()) {
		t.Errorf("a folder that is gone: %d %s", got.status, got.text())
	}
	if text := w.log.String(); strings.Count(text, "clusir: cannot keep pictures in the temporary folder: ") != 2 || strings.Count(text, ": "+os.TempDir()+"\n") != 2 {
		t.Errorf("the log is %q", text)
	}
	if _, err := New(w.Options); err == nil || !strings.Contains(err.Error(), ": "+os.TempDir()+": set TMPDIR") {
		t.Errorf("a new server: %v", err)
	}
}

// TestEnd: a server that is shut down finishes what it accepted and accepts no more.
func TestEnd(t *testing.T) {
	w := start(t, func(o *Options) { o.Patience = time.Minute }) // also for slow machines
	first, in := w.busy(), picture(t, imageio.Info{W: 24, H: 16})
	second := make(chan reply, 1)
	go func() { second <- w.post("", in) }()
	listening := w.dial("GET /v1/progress/0123456789abcdef HTTP/1.1\r\nHost: localhost\r\n\r\n")
	defer listening.Close()
	idle := w.dial("POST /v1/restore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
	defer idle.Close()
	eventually(t, "all of it has arrived", func() bool { return w.spool.open.Load() == 5 })
	w.end()
	if got := first(); got.status != http.StatusOK {
		t.Errorf("the picture that was computed: %d %s", got.status, got.text())
	}
	if got := <-second; got.status != http.StatusOK {
		t.Errorf("the picture that waited: %d %s", got.status, got.text())
	}
	_, err := idle.Write(make([]byte, 100))
	must(t, err)
	if res, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("the picture that came too late: %v, %v", res, err)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://")); err == nil {
		t.Error("it still listens")
	}
}

// TestProgress: a page that subscribes to progress sees its pictures wait and be
// computed.
func TestProgress(t *testing.T) {
	w := start(t, nil)
	const page = "0123456789abcdef"
	res, err := http.Get(w.url + "/v1/progress/" + page)
	must(t, err)
	defer res.Body.Close()
	if media := res.Header.Get("Content-Type"); media != "text/event-stream" {
		t.Error(media)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Scan() // it is subscribed
	first := w.busy()
	go w.send(http.MethodPost, "/v1/restore?tile=128", http.Header{progressHeader: {page + "/cat"}}, bytes.NewReader(picture(t, imageio.Info{W: 300, H: 300})))
	go w.send(http.MethodPost, "/v1/restore", http.Header{progressHeader: {"fedcba9876543210/dog"}}, bytes.NewReader(picture(t, imageio.Info{W: 30, H: 30})))
	var states []string
	share := 0.
	for share < 1 && lines.Scan() {
		text, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e event
		must(t, json.Unmarshal([]byte(text), &e))
		if e.Picture != "cat" || e.Share < share {
			t.Errorf("after %g: %+v", share, e)
		}
		if share = e.Share; len(states) == 0 || states[len(states)-1] != e.State {
			states = append(states, e.State)
		}
	}
	if fmt.Sprint(states) != "[waiting computing]" {
		t.Errorf("states %v", states)
	}
	first()
	for _, bad := range []string{"x", page, page + "/", page + "/a b", page + "/../x"} {
		if got := w.send(http.MethodPost, "/v1/restore", http.Header{progressHeader: {bad}}, nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}
