package serve

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/restore"
)

// routes returns the handler of all the server's paths. Unknown paths and methods get
// errors like all others.
func (s *Server) routes() http.Handler {
	handlers := pageHandlers()
	handlers["GET /healthz"] = s.serveHealth
	handlers["POST /v1/restore"] = s.authorized(func(w http.ResponseWriter, r *http.Request) {
		if err := s.restore(w, r); err != nil {
			s.fail(w, err)
		}
	})
	handlers["GET /v1/models"] = s.authorized(s.serveModels)
	handlers["GET /v1/progress/{page}"] = s.authorized(s.serveProgress)
	handlers["GET /metrics"] = s.authorized(s.metrics.handler.ServeHTTP)
	mux := http.NewServeMux()
	for pattern, handle := range handlers {
		mux.HandleFunc(pattern, handle)
		method, path, _ := strings.Cut(pattern, " ")
		methods := strings.Replace(method, "GET", "GET, HEAD", 1)
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Allow", methods)
			s.fail(w, withStatus(http.StatusMethodNotAllowed, "%s does not take %s: use %s", r.URL.Path, r.Method, methods))
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, withStatus(http.StatusNotFound, "there is nothing at %s: pictures are sent to /v1/restore, and the page is at /", r.URL.Path))
	})
	return s.metrics.counted(s.guarded(mux))
}

// serveHealth responds that pictures are accepted.
func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if s.closing.Err() != nil {
		s.fail(w, errClosing)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // the client may be gone
}

// offer is what /v1/models lists about a model.
type offer struct {
	*infer.Description
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

func (s *Server) serveModels(w http.ResponseWriter, _ *http.Request) {
	var offers []offer
	for i, m := range s.Models {
		about := *m.About
		about.Recipe, about.Notes = nil, nil // they may hold file names
		offers = append(offers, offer{&about, m.Name, i == 0})
	}
	line, err := json.Marshal(map[string]any{
		"models": offers, "device": s.Device, "version": s.Version,
		"limits": map[string]any{"body_bytes": s.MaxBody, "pixels": s.MaxPixels, "queue": s.Queue, "seconds": s.MaxTime.Seconds()},
	})
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(line, '\n')) // the client may be gone
}

func (s *Server) restore(w http.ResponseWriter, r *http.Request) error {
	q, err := s.query(r)
	if err != nil {
		return err
	}
	report, err := s.progress.reporter(r)
	if err == nil {
		err = s.queue.full() // before the picture is sent in vain
	}
	if err != nil {
		return err
	}
	u, err := s.receive(w, r)
	defer u.close()
	if err != nil {
		return err
	}
	result, err := s.spool.create()
	if err != nil {
		return err
	}
	defer result.Close()
	t, err := s.task(r.Context(), q, u, result, report)
	if err != nil {
		return err
	}
	defer t.stop(nil)
	if err := s.queue.add(t); err != nil {
		return err
	}
	res := <-t.done
	if size := new(imageio.SizeError); errors.As(res.Err, &size) && size.Limit == s.MaxPixels {
		return withStatus(http.StatusRequestEntityTooLarge, "a picture of %d×%d has more than %d pixels, the limit: send a smaller one, or start clusir serve with a larger --max-pixels",
			size.W, size.H, size.Limit)
	}
	if res.Err != nil {
		return res.Err
	}
	return s.answer(w, t, q, res, result)
}

// task makes a request's task for the queue.
func (s *Server) task(ctx context.Context, q query, u *upload, result *file, report func(event)) (*task, error) {
	t := &task{name: cmp.Or(u.name, "restored"), use: q.use, format: q.format, report: report, done: make(chan restore.Result, 1)}
	t.ctx, t.stop = context.WithCancelCause(ctx)
	t.stream = &restore.Stream{Choices: q.Choices, Name: cmp.Or(u.name, "the picture"), Context: t.ctx, Input: u.picture.section(), Output: result}
	if u.restored != nil {
		t.stream.Restored = u.restored.section()
	}
	if q.explain {
		if u.restored != nil {
			return nil, badRequest("--explain is for a picture that the network restores, but the form already has its result: leave out one of them")
		}
		if !q.use.model.Net.Model.Config.UseMoE {
			return nil, badRequest("--explain: the model has no router, so it has nothing to explain")
		}
		t.stream.Map = &bytes.Buffer{}
	}
	return t, nil
}
