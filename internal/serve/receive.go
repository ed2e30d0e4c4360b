package serve

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"

	"clusir/internal/suggest"
)

// upload is the content of a request.
type upload struct {
	name     string // the client's name for the picture; "" for none
	picture  *file
	restored *file // an earlier result; nil for none
}

func (u *upload) close() {
	for _, f := range []*file{u.picture, u.restored} {
		_ = f.Close() // it has no name and is not read again
	}
}

// The parts of a form.
const (
	picturePart  = "picture"
	restoredPart = "restored"
)

// receive stores what a request sends: a picture as the body, or a form. The caller
// closes the upload even on error.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (u *upload, err error) {
	u = &upload{}
	if r.ContentLength > s.MaxBody {
		return u, s.tooLong()
	}
	for encoding := range strings.SplitSeq(strings.Join(r.Header.Values("Content-Encoding"), ","), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
			w.Header().Set("Accept-Encoding", "identity")
			return u, withStatus(http.StatusUnsupportedMediaType, "Content-Encoding %s is not supported: send the file as it is", encoding)
		}
	}
	r.Body = http.MaxBytesReader(w, r.Body, s.MaxBody)
	body := &patient{ReadCloser: r.Body, conn: http.NewResponseController(w), each: s.Patience, start: time.Now()}
	r.Body = body
	defer func() {
		if err != nil && body.late {
			err = withStatus(http.StatusRequestTimeout, "the request arrives too slowly")
		}
	}()
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "multipart/form-data" {
		if u.picture, err = s.keep(r.Body); err == nil && u.picture.size == 0 {
			err = badRequest("the request has no picture: send it as the body, as curl --data-binary @FILE does, or as a form's part %q", picturePart)
		}
		return u, s.receiveError(err)
	}
	form, err := r.MultipartReader()
	if err != nil {
		return u, badRequest("the form cannot be read: %w", err)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, r.Body) // from its end on, the server notices when the client leaves
			if err != nil {
				return u, s.receiveError(err)
			}
			break
		}
		if err == nil {
			err = s.receivePart(u, part)
		}
		if err != nil {
			return u, s.receiveError(err)
		}
	}
	if u.picture == nil {
		return u, badRequest("the form holds no part %q: send the picture as curl -F %s=@FILE does", picturePart, picturePart)
	}
	return u, nil
}

func (s *Server) receivePart(u *upload, part *multipart.Part) (err error) {
	var to **file
	switch part.FormName() {
	case picturePart:
		to, u.name = &u.picture, nameOf(part.FileName())
	case restoredPart:
		to = &u.restored
	default:
		return badRequest("this server does not know the form's part %q: %s", part.FormName(),
			suggest.Or(part.FormName(), []string{picturePart, restoredPart}))
	}
	if *to != nil {
		return badRequest("the form holds the part %q twice: send one picture at a time", part.FormName())
	}
	if *to, err = s.keep(part); err == nil && (*to).size == 0 {
		return badRequest("%s is empty", cmp.Or(nameOf(part.FileName()), "the form's part "+part.FormName()))
	}
	return err
}

// nameOf returns the last element of a client's file name, without characters that do
// not belong in a message; "" for none.
func nameOf(name string) string {
	const maxRunes = 200
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/")))
	if name == "." || name == ".." || name == "/" || name == "" {
		return ""
	}
	if runes := []rune(name); len(runes) > maxRunes {
		name = string(runes[len(runes)-maxRunes:]) // keeps its extension
	}
	return name
}

// keep writes all of r to the spool.
func (s *Server) keep(r io.Reader) (*file, error) {
	f, err := s.spool.create()
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	s.metrics.received.Add(float64(n))
	return f, err
}

func (s *Server) tooLong() error {
	return withStatus(http.StatusRequestEntityTooLarge, "the request is longer than %s, the limit: send a smaller file, or start clusir serve with a larger --max-body",
		humanize.Bytes(uint64(s.MaxBody)))
}

func (s *Server) receiveError(err error) error {
	var long *http.MaxBytesError
	switch {
	case err == nil || errors.As(err, new(statusError)):
		return err
	case errors.As(err, &long):
		return s.tooLong()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badRequest("the request is cut short: it ends before its length")
	}
	return badRequest("the request cannot be read: %w", err)
}

// minRate is the average rate, in bytes per second, at which a body must arrive.
const minRate = 16 << 10

// patient reads a body within time limits: one for each piece, and one for all that has
// arrived so far.
type patient struct {
	io.ReadCloser
	conn  *http.ResponseController
	each  time.Duration
	start time.Time
	n     int64
	late  bool
}

func (p *patient) Read(b []byte) (int, error) {
	now := time.Now()
	until := p.start.Add(p.each + time.Duration(p.n)*time.Second/minRate)
	if until.Before(now) {
		p.late = true
		return 0, os.ErrDeadlineExceeded
	}
	if piece := now.Add(p.each); piece.Before(until) {
		until = piece
	}
	_ = p.conn.SetReadDeadline(until) // not every connection supports it: those in tests
	n, err := p.ReadCloser.Read(b)
	p.n += int64(n)
	p.late = errors.Is(err, os.ErrDeadlineExceeded)
	if errors.Is(err, io.EOF) { // from here on the server waits for the client to leave, however long the picture takes
		_ = p.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
