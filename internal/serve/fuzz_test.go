package serve

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"clusir/internal/imageio"
)

// FuzzHandlers: every request gets a response that is not an internal error, and leaves
// no files behind.
func FuzzHandlers(f *testing.F) {
	w := start(f, func(o *Options) { o.MaxPixels, o.MaxBody, o.Hosts = 4096, 1<<16, []string{"here"} })
	in := picture(f, imageio.Info{W: 16, H: 12})
	header, body := form("picture/a.png", in, "restored/b.png", in)
	f.Add("POST", "/v1/restore?strength=0.5&tile=128", "localhost", "", "image/png", "", in)
	f.Add("POST", "/v1/restore?json&explain", "here:80", "http://here:80", "application/octet-stream", "0123456789abcdef/1", in)
	f.Add("POST", "/v1/restore", "127.0.0.1", "", header.Get("Content-Type"), "", body.Bytes())
	f.Add("GET", "/v1/models", "[::1]:1", "", "", "", []byte(nil))
	f.Add("GET", "/metrics", "localhost", "", "", "", []byte(nil))
	f.Add("GET", "/healthz", "evil", "null", "", "", []byte("x"))
	f.Fuzz(func(t *testing.T, method, target, host, origin, media, progress string, body []byte) {
		if strings.HasPrefix(target, "/v1/progress") {
			return // served until the client leaves
		}
		r, err := http.NewRequest(method, "http://localhost", bytes.NewReader(body))
		if err != nil {
			return
		}
		if r.URL, err = r.URL.Parse(target); err != nil {
			return
		}
		r.Host = host
		for name, value := range map[string]string{"Origin": origin, "Content-Type": media, progressHeader: progress} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		a := httptest.NewRecorder()
		w.handler.ServeHTTP(a, r)
		if a.Code < 200 || a.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, target, a.Code, a.Body)
		}
		if open := w.spool.open.Load(); open != 0 {
			t.Errorf("%s %q: %d files are left", method, target, open)
		}
	})
}
