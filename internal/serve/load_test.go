package serve

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clusir/internal/imageio"
	"clusir/internal/sharedtest"
	"clusir/internal/sysmem"
)

// loadVariable names the environment variable with the number of pictures of TestLoad,
// which make release-check sets to 1000.
const loadVariable = "CLUSIR_SERVE_LOAD"

// TestLoad: many clients send small pictures, a third of them broken, to a queue
// shorter than the number of clients. Each gets its own result, and memory does not
// grow.
func TestLoad(t *testing.T) {
	all, clients := int64(90), 30
	if v := os.Getenv(loadVariable); v != "" {
		var err error
		all, err = strconv.ParseInt(v, 10, 64)
		must(t, err)
		clients = 100
	}
	w := start(t, func(o *Options) { o.MaxMemory, o.Queue = 256<<20, clients*2/3 })
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = clients
	var inputs, want [8][]byte
	for i := range inputs {
		inputs[i] = picture(t, imageio.Info{W: 20 + i, H: 30 - i})
		got := w.post("", inputs[i])
		if want[i] = got.body; got.status != http.StatusOK {
			t.Fatal(got.text())
		}
	}
	var next, good, bad, again atomic.Int64
	var settled, peak atomic.Int64
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for i := next.Add(1); i <= all; i = next.Add(1) {
				k := int(i) % len(inputs)
				body := inputs[k]
				if i%3 == 0 {
					body = body[:len(body)-20-int(i)%10]
				}
				got := w.post("", body)
				for ; got.status == http.StatusTooManyRequests; got = w.post("", body) {
					again.Add(1)
					time.Sleep(100 * time.Millisecond)
				}
				switch {
				case i%3 == 0 && got.status == http.StatusUnprocessableEntity && strings.Contains(got.text(), "is cut short"):
					bad.Add(1)
				case i%3 != 0 && got.status == http.StatusOK && bytes.Equal(got.body, want[k]):
					good.Add(1)
				default:
					t.Errorf("picture %d: %d %s", i, got.status, got.text())
				}
				if rss := sysmem.RSS(); i == all/3 {
					settled.Store(rss)
				} else if i > all/3 && rss > peak.Load() {
					peak.Store(rss)
				}
			}
		})
	}
	group.Wait()
	if good.Load() != all-all/3 || bad.Load() != all/3 {
		t.Errorf("of %d pictures %d were restored, and %d broken ones were refused", all, good.Load(), bad.Load())
	}
	if grown := peak.Load() - settled.Load(); grown > 64<<20 && !sharedtest.Race {
		t.Errorf("memory grew from %d to %d MiB", settled.Load()>>20, peak.Load()>>20)
	}
	t.Logf("%d pictures from %d clients, %d refused for a while; %d MiB after a third, %d at most afterwards",
		all, clients, again.Load(), settled.Load()>>20, peak.Load()>>20)
}

// chunk returns a PNG chunk.
func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// zeros compresses n zero bytes.
func zeros(t testing.TB, n int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := io.CopyN(z, nothing{}, n)
	must(t, err)
	must(t, z.Close())
	return b.Bytes()
}

type nothing struct{}

func (nothing) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// bomb returns a PNG of w×h grey pixels with other chunks before its data.
func bomb(w, h uint32, between, data []byte) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 0, 0, 0, 0))...)
	b = append(b, between...)
	b = append(b, chunk("IDAT", data)...)
	return append(b, chunk("IEND", nil)...)
}

// TestBombs: files that expand when decoded are refused or cut off, in memory that does
// not grow with what they claim.
func TestBombs(t *testing.T) {
	w := start(t, nil)
	const huge = 100 << 20
	large, own := zeros(t, huge), zeros(t, 33*32)
	text := func(kind, head string) []byte { return chunk(kind, append([]byte(head), large...)) }
	for name, c := range map[string]struct {
		body   []byte
		status int
	}{
		"pixels":        {bomb(1<<30, 1<<30, nil, own), 413},
		"long side":     {bomb(1<<31-1, 1, nil, own), 413},
		"no pixels":     {bomb(0, 32, nil, own), 422},
		"data too long": {bomb(32, 32, nil, large), 200},
		"text":          {bomb(32, 32, text("zTXt", "Comment\x00\x00"), own), 200},
		"profile":       {bomb(32, 32, text("iCCP", "icc\x00\x00"), own), 200},
		"XMP":           {bomb(32, 32, text("iTXt", "XML:com.adobe.xmp\x00\x01\x00\x00\x00"), own), 200},
		"JPEG":          {[]byte("\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"), 413},
		"gzip":          {append([]byte("\x1f\x8b\x08"), large[:1000]...), 422},
		"TIFF loop":     {[]byte("II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00"), 422},
	} {
		got := w.post("", c.body)
		if got.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.text(), c.status)
		}
	}
	if peak := sysmem.RSS(); peak > 600<<20 && !sharedtest.Race {
		t.Errorf("the process has %d MiB", peak>>20)
	}
	header, body := form()
	head := header.Get("Content-Type")
	boundary := head[strings.Index(head, "=")+1:]
	parts := strings.Repeat("--"+boundary+"\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n", 50_000)
	body.Reset()
	body.WriteString(parts)
	if got := w.send(http.MethodPost, "/v1/restore", header, body); got.status != http.StatusBadRequest {
		t.Errorf("many parts: %d %s", got.status, got.text())
	}
}
