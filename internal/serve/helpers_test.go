package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"mime/multipart"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clusir/internal/checkpoint"
	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/infer/infertest"
	"clusir/internal/model"
	"clusir/internal/restore"
	"clusir/internal/testnet"
)

// smallNet is a network with every module that runs in milliseconds and starts as the
// identity.
func smallNet(t testing.TB, metadata map[string]string) *infer.Network {
	t.Helper()
	n := infertest.New(t, testnet.Small(), 1)
	n.Metadata = metadata
	return n
}

// rainy says that all clusters respond most to rain.
var rainy = func() map[string]string {
	shares := []map[string]float64{{"rain": 0.75, "noise": 0.25}, {"rain": 0.75, "noise": 0.25}, {"rain": 0.75, "noise": 0.25}}
	text, err := json.Marshal([][]map[string]float64{shares, shares, shares, shares})
	if err != nil {
		panic(err)
	}
	return map[string]string{model.KeyResponses: string(text), checkpoint.KeyFormat: "1"}
}()

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logged collects a server's messages.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// site is a test's server and its address.
type site struct {
	*Server
	testing.TB
	url string
	log *logged
	end context.CancelFunc
	// ended receives what Serve returned.
	ended chan error
}

// start runs a server with the small network on a local port.
func start(t testing.TB, change func(*Options)) *site {
	t.Helper()
	n := smallNet(t, rainy)
	o := Options{
		Models: []*Model{{Name: "small", Net: n, About: &infer.Description{Name: "/home/somebody/small.safetensors", Params: 1, Notes: map[string]string{"data": "/home/somebody/data"}}}},
		Device: "cpu", Version: "1", MaxMemory: 1 << 30, MaxPixels: 4_000_000, MaxBody: 8 << 20, MaxDisk: 256 << 20, Queue: 16,
		MaxTime: time.Minute,
	}
	t.Setenv("TMPDIR", t.TempDir())
	l := &logged{}
	o.Log = l
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	w := &site{s, t, "http://" + listener.Addr().String(), l, cancel, make(chan error, 1)}
	go func() { w.ended <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		<-s.drained
		http.DefaultClient.CloseIdleConnections()
		eventually(t, "no file is left", func() bool { return s.spool.used.Load() == 0 && s.spool.open.Load() == 0 })
	})
	return w
}

// reply is a response.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// text is an error's.
func (r reply) text() string {
	var e struct{ Error string }
	_ = json.Unmarshal(r.body, &e) // on error it is empty
	return e.Error
}

// send sends a request and reads the whole response.
func (w *site) send(method, path string, header http.Header, body io.Reader) reply {
	w.Helper()
	r, err := http.NewRequest(method, w.url+path, body)
	must(w, err)
	for name, values := range header {
		r.Header[name] = values
		if name == "Host" {
			r.Host = values[0]
		}
	}
	res, err := http.DefaultClient.Do(r)
	must(w, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(w, err)
	return reply{res.StatusCode, res.Header, text}
}

// post sends a picture.
func (w *site) post(query string, picture []byte) reply {
	w.Helper()
	return w.send(http.MethodPost, "/v1/restore"+query, nil, bytes.NewReader(picture))
}

// form returns a multipart body of parts NAME or NAME/FILE.
func form(parts ...any) (header http.Header, body *bytes.Buffer) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for i := 0; i < len(parts); i += 2 {
		name, file, _ := strings.Cut(parts[i].(string), "/")
		part, _ := w.CreateFormFile(name, file) // into memory, which cannot fail
		_, _ = part.Write(parts[i+1].([]byte))
	}
	_ = w.Close() // into memory, which cannot fail
	return http.Header{"Content-Type": {w.FormDataContentType()}}, body
}

// picture returns the file of a synthetic picture.
func picture(t testing.TB, info imageio.Info) []byte {
	t.Helper()
	if info.Format == 0 {
		info.Format = imageio.PNG
	}
	if info.Depth == 0 {
		info.Depth = 8
	}
	n := info.W * info.H
	rgb, alpha := make([]float32, 3*n), make([]float32, n)
	for i := range rgb {
		rgb[i] = float32(0.5 + 0.4*math.Sin(float64(i%n%info.W)/5)*math.Cos(float64(i/info.W)/9+float64(i/n)))
	}
	for i := range alpha {
		alpha[i] = float32(i%info.W) / float32(info.W)
	}
	if !info.Alpha {
		alpha = nil
	}
	var out bytes.Buffer
	w, err := imageio.NewWriter(&out, info, imageio.Options{})
	must(t, err)
	must(t, w.Rows(rgb, alpha))
	must(t, w.Close())
	return out.Bytes()
}

// restoredAs returns what restore itself makes of a picture.
func restoredAs(t testing.TB, n *infer.Network, picture []byte, format imageio.Format, c restore.Choices) []byte {
	t.Helper()
	var out bytes.Buffer
	var err error
	_, ran := restore.Run(context.Background(), n, slices.Values([]restore.Job{{In: restore.Std, Out: restore.Std, Format: format}}),
		restore.Options{Choices: c, MaxMemory: 1 << 30, Stdin: bytes.NewReader(picture), Stdout: &out, Done: func(r restore.Result) { err = r.Err }})
	must(t, ran)
	must(t, err)
	return out.Bytes()
}

// eventually waits until is returns true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for begin := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
