package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"clusir/internal/imageio"
	"clusir/internal/restore"
	"clusir/internal/usage"
)

// reportHeader is the response header that carries what `restore --json` prints.
const reportHeader = "Clusir-Report"

// report describes a picture and its result.
type report struct {
	restore.Record
	// Resembles is restore.Resembles.
	Resembles map[string]float64 `json:"resembles,omitempty"`
	// Explanation is the text of restore --explain, and Drawn its map.
	Explanation string `json:"explanation,omitempty"`
	Drawn       []byte `json:"affinity_png,omitempty"`
	MediaType   string `json:"media_type,omitempty"`
}

// report describes a result for the client.
func (s *Server) report(t *task, res restore.Result) report {
	rep := report{Record: res.Record(t.use.model.Name, s.Device), MediaType: res.Format.MediaType()}
	rep.Input, rep.Output = t.stream.Name, resultName(t.name, res.Format)
	rep.Resembles = restore.Resembles(res.Routing, t.use.model.responses)
	for name, share := range rep.Resembles {
		rep.Resembles[name] = math.Round(1000*share) / 1000
	}
	return rep
}

// resultName returns the name of a result: the picture's, with the extension of the
// result's format.
func resultName(name string, f imageio.Format) string {
	got, err := imageio.FormatOf(name)
	switch {
	case err != nil: // what follows a dot is part of the name
		return name + f.Ext()
	case got == f:
		return name
	}
	return strings.TrimSuffix(name, path.Ext(name)) + f.Ext()
}

func (s *Server) answer(w http.ResponseWriter, t *task, q query, res restore.Result, result *file) error {
	rep := s.report(t, res)
	if q.explain {
		var text strings.Builder
		res.In = t.stream.Name
		res.Explain(&text, t.use.model.responses)
		rep.Explanation, rep.Drawn = text.String(), t.stream.Map.(*bytes.Buffer).Bytes()
	}
	h := w.Header()
	out := bufio.NewWriterSize(timed{w, s.Patience}, 256<<10)
	defer out.Flush() // if it fails, as all that is written to it may, the client is gone
	if !q.json {
		h.Set(reportHeader, asHeader(rep))
		h.Set("Content-Type", rep.MediaType)
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": rep.Output}))
		h.Set("Content-Length", strconv.FormatInt(result.size, 10))
		_, _ = io.Copy(out, result.section())
		return nil
	}
	line, err := json.Marshal(rep)
	if err != nil {
		return err
	}
	// The picture is the last field, so that it need not be in memory.
	open := append(bytes.TrimSuffix(line, []byte("}")), `,"picture":"`...)
	const shut = "\"}\n"
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(open)+base64.StdEncoding.EncodedLen(int(result.size))+len(shut)))
	_, _ = out.Write(open)
	encoded := base64.NewEncoder(base64.StdEncoding, out)
	if _, err := io.Copy(encoded, result.section()); err == nil && encoded.Close() == nil {
		_, _ = out.WriteString(shut)
	}
	return nil
}

// timed is the body of a response, each piece of which the client must receive in time.
type timed struct {
	http.ResponseWriter
	each time.Duration
}

func (t timed) Write(piece []byte) (int, error) {
	_ = http.NewResponseController(t.ResponseWriter).SetWriteDeadline(time.Now().Add(t.each)) // not every connection supports it: those in tests
	return t.ResponseWriter.Write(piece)
}

// asHeader encodes rep as ASCII JSON with rounded numbers. Many programs limit headers
// to 8 KB: notes that would exceed it are only counted.
func asHeader(rep report) string {
	for l := range rep.Routing {
		s := &rep.Routing[l]
		for _, values := range [][]float32{s.Posterior, s.Kept} {
			for i, v := range values {
				values[i] = rounded(v)
			}
		}
		for i, e := range s.Experts {
			s.Experts[i].Weight = rounded(e.Weight)
		}
	}
	const maxHeader = 6 << 10
	text := ascii(rep)
	if len(text) > maxHeader {
		rep.Notes = []string{fmt.Sprintf("%d notes are too long for a header: ask for JSON", len(rep.Notes))}
		text = ascii(rep)
	}
	if len(text) > maxHeader {
		rep.Routing = nil
		rep.Notes = append(rep.Notes, "the routing is too long for a header: ask for JSON")
		text = ascii(rep)
	}
	return text
}

func rounded(v float32) float32 { return float32(math.Round(1e4*float64(v)) / 1e4) }

func ascii(v any) string {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf(`{"error":%q}`, "the report has a number that JSON cannot represent")
	}
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(string(line))) {
		if unit < utf8.RuneSelf {
			b.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func (s *Server) fail(w http.ResponseWriter, err error) {
	status := statusOf(err)
	h := w.Header()
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || status == http.StatusInsufficientStorage {
		h.Set("Retry-After", strconv.Itoa(s.metrics.retryAfter(s.queue.length())))
	}
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="clusir"`)
	}
	h.Set("Content-Type", "application/json")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * s.Patience)) // not every connection supports it: those in tests
	w.WriteHeader(status)
	line, _ := json.Marshal(map[string]string{"error": err.Error()}) // cannot fail for a string
	_, _ = w.Write(append(line, '\n'))                               // the client may be gone
}

// statusClientGone is the status that the metrics use for a request whose client has
// left.
const statusClientGone = 499

func statusOf(err error) int {
	var status statusError
	switch {
	case errors.As(err, &status):
		return status.status
	case errors.As(err, new(*restore.Bug)):
		return http.StatusInternalServerError
	case errors.Is(err, restore.ErrMemory) || errors.As(err, new(*imageio.SizeError)):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, context.Canceled):
		return statusClientGone
	case errors.As(err, new(usage.Error)):
		return http.StatusBadRequest
	}
	return http.StatusUnprocessableEntity // the picture's fault
}
