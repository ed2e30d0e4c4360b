package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"clusir/internal/imageio"
	"clusir/internal/restore"
	"clusir/internal/usage"
)

// TestSameAsRestore: a result is byte for byte what restore writes, and the response's
// header describes it.
func TestSameAsRestore(t *testing.T) {
	w, n := start(t, nil), smallNet(t, rainy)
	for _, c := range []struct {
		query  string
		info   imageio.Info
		format imageio.Format // of the result, 0 for the picture's
		restore.Choices
	}{
		{"", imageio.Info{Format: imageio.PNG, W: 40, H: 30, Depth: 16, Alpha: true}, 0, restore.Choices{Strength: 1, Tile: restore.TileAuto}},
		{"?quality=70&strength=0.5", imageio.Info{Format: imageio.JPEG, W: 33, H: 21}, 0, restore.Choices{Strength: .5, Tile: restore.TileAuto, Encode: imageio.Options{Quality: 70}}},
		{"?format=tif&tile=128", imageio.Info{Format: imageio.WebP, W: 200, H: 150, Alpha: true}, imageio.TIFF, restore.Choices{Strength: 1, Tile: 128}},
		{"?format=BMP&model=small&tile=0", imageio.Info{Format: imageio.TIFF, W: 20, H: 50}, imageio.BMP, restore.Choices{Strength: 1}},
		{"?format=webp", imageio.Info{Format: imageio.BMP, W: 20, H: 50}, imageio.WebP, restore.Choices{Strength: 1}},
	} {
		in := picture(t, c.info)
		format := c.format
		if format == 0 {
			format = c.info.Format
		}
		want := restoredAs(t, n, in, format, c.Choices)
		got := w.post(c.query, in)
		if got.status != http.StatusOK || !bytes.Equal(got.body, want) {
			t.Errorf("%s: %d, %d bytes, want %d. %s", c.query, got.status, len(got.body), len(want), got.text())
			continue
		}
		if media := got.header.Get("Content-Type"); media != format.MediaType() {
			t.Errorf("%s: its name is %s", c.query, media)
		}
		var rep report
		if err := json.Unmarshal([]byte(got.header.Get(reportHeader)), &rep); err != nil || rep.Width != c.info.W || rep.Output != "restored"+format.Ext() || rep.Model != "small" ||
			rep.Format != format.String() || rep.Resembles["rain"] != 0.75 || len(rep.Routing) != 4 {
			t.Errorf("%s: %v, report %+v", c.query, err, rep)
		}
	}
}

// TestResultNames: what follows a dot is part of the name unless it is a format's
// extension, as in clusir restore.
func TestResultNames(t *testing.T) {
	for sent, want := range map[string]string{
		"a.png": "a.png", "a.jpeg": "a.png", "a": "a.png", "Dr. No": "Dr. No.png", "2024.05.01": "2024.05.01.png", ".hidden": ".hidden.png",
		"C:\\b.jpg": "b.png", "..": "restored.png", "d/..": "restored.png",
		strings.Repeat("a", 300) + ".png": strings.Repeat("a", 196) + ".png",
	} {
		if got := resultName(cmp.Or(nameOf(sent), "restored"), imageio.PNG); got != want {
			t.Errorf("%s: %s, want %s", sent, got, want)
		}
	}
}

// TestForms sends pictures as browsers and curl -F do.
func TestForms(t *testing.T) {
	w := start(t, nil)
	in := picture(t, imageio.Info{W: 24, H: 16})
	header, body := form("picture/Zürich\u200b ✓.jpeg", in)
	got := w.send(http.MethodPost, "/v1/restore?format=png", header, body)
	_, disposition, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
	if got.status != http.StatusOK || err != nil || disposition["filename"] != "Zürich ✓.png" {
		t.Errorf("%d, %q, %v", got.status, got.header.Get("Content-Disposition"), err)
	}
	if text := got.header.Get(reportHeader); !strings.Contains(text, `"input":"Z\u00fcrich \u2713.jpeg"`) {
		t.Errorf("the report is %s", text)
	}
	for _, c := range []struct {
		parts []any
		want  string
	}{
		{[]any{"picture/a.png", in, "picture/b.png", in}, `the form holds the part "picture" twice`},
		{[]any{"pictures/a.png", in}, `this server does not know the form's part "pictures": did you mean "picture"?`},
		{[]any{}, `the form holds no part "picture"`},
		{[]any{"restored/a.png", in}, `the form holds no part "picture"`},
		{[]any{"picture/a.png", []byte{}}, "a.png is empty"},
		{[]any{"picture/../../etc/passwd", []byte("root:x:0:0")}, "passwd is not an image: its content looks like text"},
		{[]any{`picture/C:\secret\cat.png`, in[:len(in)/2]}, "cat.png is cut short"},
	} {
		header, body := form(c.parts...)
		if got := w.send(http.MethodPost, "/v1/restore", header, body); got.status/100 != 4 || !strings.HasPrefix(got.text(), c.want) {
			t.Errorf("%v: %d %s", c.parts[:min(1, len(c.parts))], got.status, got.text())
		}
	}
	got = w.send(http.MethodPost, "/v1/restore", http.Header{"Content-Type": {"multipart/form-data"}}, strings.NewReader("x"))
	if got.status != http.StatusBadRequest || !strings.Contains(got.text(), "the form cannot be read") {
		t.Errorf("without a boundary: %d %s", got.status, got.text())
	}
}

// TestJSON requests the report as JSON, in both ways, with and without an explanation.
func TestJSON(t *testing.T) {
	w := start(t, nil)
	in := picture(t, imageio.Info{W: 240, H: 160})
	plain := w.post("", in)
	for _, c := range []struct {
		query  string
		header http.Header
	}{{"?json", nil}, {"", http.Header{"Accept": {"text/html, application/json;q=0.9"}}}, {"?explain=true", http.Header{"Accept": {"application/json"}}}} {
		got := w.send(http.MethodPost, "/v1/restore"+c.query, c.header, bytes.NewReader(in))
		var answer struct {
			report
			Picture []byte `json:"picture"`
		}
		if err := json.Unmarshal(got.body, &answer); err != nil || !bytes.Equal(answer.Picture, plain.body) || answer.Width != 240 {
			t.Errorf("%s: %d, %v, %d bytes, %+v", c.query, got.status, err, len(answer.Picture), answer.report)
		}
		for _, r := range []reply{plain, got} {
			if length := r.header.Get("Content-Length"); length != fmt.Sprint(len(r.body)) {
				t.Errorf("%s: %d bytes of %q", c.query, len(r.body), length)
			}
		}
		explained := strings.Contains(c.query, "explain")
		if explained != strings.Contains(answer.Explanation, "rain 0.75, noise 0.25") || explained != bytes.HasPrefix(answer.Drawn, []byte("\x89PNG")) {
			t.Errorf("%s: %q, a map of %d bytes", c.query, answer.Explanation, len(answer.Drawn))
		}
	}
}

// TestEarlierResult sends a result with its picture, to be mixed again.
func TestEarlierResult(t *testing.T) {
	w, n := start(t, nil), smallNet(t, nil)
	in := picture(t, imageio.Info{W: 30, H: 20})
	other := picture(t, imageio.Info{W: 30, H: 20, Grey: true})
	header, body := form("picture/a.png", in, "restored/b.png", other)
	none := w.send(http.MethodPost, "/v1/restore?strength=0", header, body)
	if want := restoredAs(t, n, in, imageio.PNG, restore.Choices{}); !bytes.Equal(none.body, want) {
		t.Errorf("at 0: %d %s", none.status, none.text())
	}
	header, body = form("picture/a.png", in, "restored/b.png", other)
	if got := w.send(http.MethodPost, "/v1/restore?explain&json", header, body); got.status != http.StatusBadRequest {
		t.Errorf("explained: %d %s", got.status, got.text())
	}
	header, body = form("picture/a.png", in, "restored/b.png", picture(t, imageio.Info{W: 31, H: 20}))
	if got := w.send(http.MethodPost, "/v1/restore", header, body); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.text(), "a.png is 31×20, but a.png is 30×20") {
		t.Errorf("of another: %d %s", got.status, got.text())
	}
}

// TestRefusals: each mistake gets its status and a text that says what to do.
func TestRefusals(t *testing.T) {
	w := start(t, func(o *Options) { o.MaxPixels, o.MaxBody = 10_000, 100_000 })
	good := picture(t, imageio.Info{W: 24, H: 16})
	for _, c := range []struct {
		query  string
		body   []byte
		status int
		want   string
	}{
		{"?strenght=1", good, 400, "there is no flag --strenght: did you mean --strength?"},
		{"?zzzzzzzzzzz=1", good, 400, "there is no flag --zzzzzzzzzzz"},
		{"?strength=2", good, 400, "--strength 2: choose from 0 to 1"},
		{"?strength=NaN", good, 400, "--strength NaN: choose from 0 to 1"},
		{"?strength=much", good, 400, "--strength much: must be a number"},
		{"?strength=1&strength=0", good, 400, "--strength is given 2 times"},
		{"?strength=", good, 400, "--strength is empty: give it a value"},
		{"?model=", good, 400, "--model is empty"},
		{"?json=2", good, 400, "--json 2: must be true or false"},
		{"?quality=0", good, 400, "--quality 0: choose from 1 to 100"},
		{"?tile=100", good, 400, "--tile 100: choose auto, 0, or at least 128 pixels"},
		{"?format=gif", good, 400, `--format: unknown image format "gif": use png`},
		{"?model=smal", good, 400, `--model smal: this server has no such model: did you mean "small"?`},
		{"?model=/etc/passwd", good, 400, "--model /etc/passwd: this server has no such model"},
		{"?output=/tmp/x", good, 400, "--output is for files"},
		{"?compare=/tmp/x.png", good, 400, "--compare is for files"},
		{"?model-config=/etc/passwd", good, 400, "--model-config is chosen when the server starts"},
		{"?device=cuda", good, 400, "--device is chosen when the server starts: clusir serve --device"},
		{"?max-pixels=1000000", good, 400, "--max-pixels 1000000: this server takes pictures of at most 10000"},
		{"?max-pixels=0", good, 400, "--max-pixels 0: give the number"},
		{"?max-pixels=100", good, 413, "the picture is 24×16, more than the limit of 100 pixels: if you trust the file, raise --max-pixels"},
		{"?explain", good, 400, "--explain needs an answer in JSON"},
		{"?help", good, 400, "there is no flag --help"},
		{"?=1", good, 400, "there is no flag --"},
		{"?strength=1;quality=2", good, 400, "the query cannot be read"},
		{"", nil, 400, "the request has no picture"},
		{"", make([]byte, 100_000), 422, "the picture is not an image"},
		{"", []byte("hello"), 422, "the picture is not an image: its content looks like text"},
		{"", []byte("GIF89a12345"), 422, "the picture is a GIF, which cannot be read"},
		{"", good[:len(good)-30], 422, "the picture is cut short"},
		{"", picture(t, imageio.Info{W: 200, H: 100}), 413, "a picture of 200×100 has more than 10000 pixels, the limit: send a smaller one"},
		{"", make([]byte, 100_001), 413, "the request is longer than 100 kB, the limit"},
		{"?format=jpg&quality=101", good, 400, "--quality 101"},
	} {
		got := w.post(c.query, c.body)
		if got.status != c.status || !strings.HasPrefix(got.text(), c.want) {
			t.Errorf("%s: %d %q, want %d %q", c.query, got.status, got.text(), c.status, c.want)
		}
	}
	for _, c := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/v1/restore", 405, "/v1/restore does not take GET: use POST"},
		{"PUT", "/v1/restore", 405, "/v1/restore does not take PUT: use POST"},
		{"OPTIONS", "/v1/restore", 405, "/v1/restore does not take OPTIONS: use POST"},
		{"POST", "/v1/models", 405, "/v1/models does not take POST: use GET, HEAD"},
		{"GET", "/v1/restore/", 404, "there is nothing at /v1/restore/: pictures are sent to /v1/restore"},
		{"GET", "/etc/passwd", 404, "there is nothing at /etc/passwd"},
		{"GET", "/../../etc/passwd", 404, "there is nothing at /etc/passwd"},
		{"GET", "/v1/progress/x", 400, "/v1/progress/x: the name of a page"},
		{"HEAD", "/v1/restore", 405, ""},
		{"HEAD", "/v1/progress/0123456789abcdef", 200, ""},
		{"HEAD", "/", 200, ""},
		{"HEAD", "/metrics", 200, ""},
	} {
		got := w.send(c.method, c.path, nil, nil)
		if got.status != c.status || !strings.HasPrefix(got.text(), c.want) || (got.header.Get("Allow") != "") != (c.status == 405) {
			t.Errorf("%s %s: %d %q %v", c.method, c.path, got.status, got.text(), got.header)
		}
	}
	for _, encodings := range [][]string{{"gzip"}, {"identity", "gzip"}, {"Identity, gzip"}, {"Identity", "identity"}} {
		got := w.send(http.MethodPost, "/v1/restore", http.Header{"Content-Encoding": encodings}, bytes.NewReader(good))
		refused := got.status == http.StatusUnsupportedMediaType && strings.HasPrefix(got.text(), "Content-Encoding gzip is not supported") && got.header.Get("Accept-Encoding") == "identity"
		if gzip := strings.HasSuffix(encodings[len(encodings)-1], "gzip"); refused != gzip || !gzip && got.status != http.StatusOK {
			t.Errorf("%q: %d %s", encodings, got.status, got.text())
		}
	}
}

// TestAccept: JSON is the response only to clients that name it, and do not prefer a
// picture.
func TestAccept(t *testing.T) {
	w := start(t, nil)
	in := picture(t, imageio.Info{W: 24, H: 16})
	for accept, json := range map[string]bool{
		"application/json":                               true,
		"Application/JSON; charset=utf-8":                true,
		"application/json, text/plain, */*":              true,
		"application/json;q=0.5":                         true,
		"text/html, application/json;q=0.9, */*;q=0.8":   true,
		"application/json, text/javascript, */*; q=0.01": true,
		"*/*":                                  false,
		"application/*":                        false,
		"application/json;q=0, */*":            false,
		"application/json;q=0":                 false,
		"image/png, application/json;q=0.5":    false,
		"image/*;q=0.9,application/json;q=0.8": false,
		"application/json;q=much":              false,
		"application/jsonp, text/json, application/ld+json;": false,
	} {
		got := w.send(http.MethodPost, "/v1/restore", http.Header{"Accept": {accept}}, bytes.NewReader(in))
		if media := got.header.Get("Content-Type"); got.status != http.StatusOK || (media == "application/json") != json {
			t.Errorf("%q: %d, %s", accept, got.status, media)
		}
	}
}

// TestWhoMayAsk: requests for a foreign name, from a foreign page or without the token
// get nothing.
func TestWhoMayAsk(t *testing.T) {
	const token = "0123456789abcdef"
	open := start(t, nil)
	locked := start(t, func(o *Options) { o.Token, o.Hosts = token, []string{"photos.example.org"} })
	in := picture(t, imageio.Info{W: 24, H: 16})
	for _, c := range []struct {
		w      *site
		header http.Header
		status int
	}{
		{open, nil, 200},
		{open, http.Header{"Host": {"localhost:9999"}}, 200},  // through a tunnel
		{open, http.Header{"Host": {"localhost.:8080"}}, 200}, // the same, written in full
		{open, http.Header{"Host": {"localhost."}, "Origin": {"http://localhost."}}, 200},
		{open, http.Header{"Host": {"localhost.."}}, 403},
		{open, http.Header{"Host": {"[::1]:8080"}}, 200},
		{open, http.Header{"Host": {"192.168.1.7"}}, 200},
		{open, http.Header{"Host": {"evil.example"}}, 403},
		{open, http.Header{"Host": {"localhost.evil.example"}}, 403},
		{open, http.Header{"Host": {"127.0.0.1.evil.example"}}, 403},
		{open, http.Header{"Origin": {open.url}}, 200},
		{open, http.Header{"Origin": {"https://localhost:9999"}, "Host": {"localhost:9999"}}, 200}, // behind TLS
		{open, http.Header{"Origin": {"http://evil.example"}}, 403},
		{open, http.Header{"Origin": {"http://127.0.0.1:1"}}, 403},
		{open, http.Header{"Origin": {"null"}}, 403},
		{open, http.Header{"Origin": {""}}, 403},
		{open, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{open, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{open, http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200},
		{open, http.Header{"Origin": {open.url, "http://evil.example"}}, 403},
		{locked, nil, 401},
		{locked, http.Header{"Authorization": {"Bearer " + token}}, 200},
		{locked, http.Header{"Authorization": {"bearer " + token}, "Host": {"Photos.example.org"}}, 200},
		{locked, http.Header{"Authorization": {"Bearer " + token}, "Host": {"photos.example.org."}}, 200},
		{locked, http.Header{"Authorization": {"Bearer " + token}, "Host": {"evil.example"}}, 403},
		{locked, http.Header{"Authorization": {"Bearer " + token[1:]}}, 401},
		{locked, http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("x:"+token))}}, 401},
	} {
		got := c.w.send(http.MethodPost, "/v1/restore", c.header, bytes.NewReader(in))
		if asks := got.header.Get("WWW-Authenticate") != ""; got.status != c.status || got.status != 200 && got.text() == "" || asks != (got.status == 401) {
			t.Errorf("%v: %d %s", c.header, got.status, got.text())
		}
	}
	for path, status := range map[string]int{"/v1/models": 401, "/metrics": 401, "/v1/progress/0123456789abcdef": 401, "/healthz": 200} {
		if got := locked.send(http.MethodGet, path, nil, nil); got.status != status {
			t.Errorf("%s without a token: %d", path, got.status)
		}
	}
	old := open.dial("GET /healthz HTTP/1.0\r\n\r\n") // which names no host, as load balancers do
	defer old.Close()
	text, err := io.ReadAll(old)
	must(t, err)
	if !strings.HasPrefix(string(text), "HTTP/1.0 200 ") {
		t.Errorf("without a host: %s", text)
	}
	got := open.send(http.MethodGet, "/healthz", nil, nil)
	if p := got.header.Get("Content-Security-Policy"); !strings.HasPrefix(p, "default-src 'none'") || strings.Contains(p, "unsafe") || got.header.Get("X-Content-Type-Options") != "nosniff" ||
		got.header.Get("Cache-Control") != "no-store" || got.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", got.header)
	}
}

// TestModels: the list has the models, and no path of this machine.
func TestModels(t *testing.T) {
	w := start(t, func(o *Options) {
		o.Models = append(o.Models, &Model{Name: "other", Net: smallNet(t, nil), About: o.Models[0].About})
	})
	got := w.send(http.MethodGet, "/v1/models", nil, nil)
	var list struct {
		Models []struct {
			Name    string
			Default bool
		}
		Limits map[string]float64
	}
	must(t, json.Unmarshal(got.body, &list))
	if fmt.Sprint(list.Models, list.Limits) != "[{small true} {other false}] map[body_bytes:8.388608e+06 pixels:4e+06 queue:16 seconds:60]" || bytes.Contains(got.body, []byte("somebody")) {
		t.Errorf("%s", got.body)
	}
	// Different models and ways of using them alternate.
	in := picture(t, imageio.Info{W: 24, H: 16})
	for _, query := range []string{"?model=other", "?model=small", "?ensemble", "?model=other&ensemble=flips"} {
		if got := w.post(query, in); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", query, got.status, got.text())
		}
	}
	metrics := string(w.send(http.MethodGet, "/metrics", nil, nil).body)
	if problems, err := promlint.New(strings.NewReader(metrics)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("/metrics against Prometheus' conventions: %v, %v", err, problems)
	}
	for _, line := range []string{`clusir_pictures_total{outcome="restored"} 4`, "clusir_pixels_total 1536", "clusir_queue_capacity 16", "clusir_spool_bytes 0", fmt.Sprint("clusir_received_bytes_total ", 4*len(in)), "clusir_compute_seconds_count 4", `clusir_requests_total{code="200",method="POST"} 4`, "go_goroutines ", "process_resident_memory_bytes "} {
		if !slices.ContainsFunc(strings.Split(metrics, "\n"), func(l string) bool { return strings.HasPrefix(l, line) }) {
			t.Errorf("/metrics has no line %q", line)
		}
	}
}

// TestPageListsFormats: every format can be dropped, chosen and selected.
func TestPageListsFormats(t *testing.T) {
	text := string(start(t, nil).send("GET", "/", nil, nil).body)
	for _, f := range imageio.Formats {
		for _, want := range []string{
			fmt.Sprintf(`<option value="%s">%v</option>`, f.Ext()[1:], f),
			strings.Join(append([]string{f.MediaType()}, f.Exts()...), ","),
		} {
			if !strings.Contains(text, want) {
				t.Errorf("the page lacks %s", want)
			}
		}
	}
}

// TestStatuses: whose fault an error is decides its status.
func TestStatuses(t *testing.T) {
	for want, err := range map[int]error{
		400: usage.Errorf("--tile"), 413: fmt.Errorf("a: %w", restore.ErrMemory), 422: errors.New("is cut short"), 499: fmt.Errorf("a: %w", context.Canceled),
		500: fmt.Errorf("a: %w", &restore.Bug{}), 504: fmt.Errorf("a: %w", withStatus(http.StatusGatewayTimeout, "too long")),
	} {
		if got := statusOf(err); got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
}

// TestBugsAreLogged: a bug is logged, with its stack only for those who debug.
func TestBugsAreLogged(t *testing.T) {
	for _, debug := range []bool{false, true} {
		w := start(t, func(o *Options) { o.Debug = debug })
		w.logBug(fmt.Errorf("a: %w", &restore.Bug{Name: "a", Value: "oops", Stack: []byte("main.go:1")}))
		if text := w.log.String(); !strings.Contains(text, "internal error: oops") || strings.Contains(text, "main.go:1") != debug {
			t.Errorf("debugging %v: %q", debug, text)
		}
	}
}

// TestLongReports: a report that is too long for a header says what to do.
func TestLongReports(t *testing.T) {
	long := strings.Repeat("ü", 1500)
	for want, rep := range map[string]restore.Record{
		`"notes":["short"]`: {Notes: []string{"short"}},
		`"posterior":[0.3333],"kept":[0.6667],"experts":[{"cluster":0,"expert":0,"weight":0.1235}]`: {
			Routing: []restore.StageRouting{{Posterior: []float32{1. / 3}, Kept: []float32{2. / 3}, Experts: []restore.ExpertWeight{{Weight: .123456}}}}},
		`"notes":["2 notes are too long for a header: ask for JSON"]`:                                                      {Notes: []string{long, "short"}},
		`"notes":["0 notes are too long for a header: ask for JSON","the routing is too long for a header: ask for JSON"]`: {Routing: make([]restore.StageRouting, 200)},
	} {
		if got := asHeader(report{Record: rep}); !strings.Contains(got, want) || !json.Valid([]byte(got)) || len(got) > 6<<10 {
			t.Errorf("%d bytes: %s, want %s", len(got), got, want)
		}
	}
}

// TestRetryAfter: a client is to come back when half of the queue will be done, and
// each picture that waits counts.
func TestRetryAfter(t *testing.T) {
	m := newMetrics(start(t, nil).Server)
	for _, c := range []struct {
		took    time.Duration
		waiting int
		want    int
	}{{0, 9, 1}, {10 * time.Second, 8, 40}, {90 * time.Second, 8, 80}, {0, 1000, 300}} {
		if c.took > 0 {
			m.picture(restore.Result{Compute: c.took})
		}
		if got := m.retryAfter(c.waiting); got != c.want {
			t.Errorf("%d waiting after one of %v: %d s, want %d", c.waiting, c.took, got, c.want)
		}
		m.last = time.Time{}
	}
	q := newQueue(2)
	for i := range 3 {
		if err := q.add(&task{ctx: t.Context(), report: func(event) {}}); (err != nil) != (i == 2) {
			t.Errorf("picture %d in a queue of 2: %v", i, err)
		}
	}
}

// TestReachable: the address that is written can be opened on this machine.
func TestReachable(t *testing.T) {
	for addr, want := range map[string]string{"0.0.0.0:80": "localhost:80", "[::]:80": "localhost:80", "127.0.0.1:80": "127.0.0.1:80", "[::1]:80": "[::1]:80"} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
