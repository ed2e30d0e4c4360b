package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// progressHeader is the header by which a request asks for progress: PAGE/PICTURE, both
// chosen by the client. GET /v1/progress/PAGE then streams the events of all its
// pictures.
const progressHeader = "Clusir-Progress"

var progressName = regexp.MustCompile(`^([A-Za-z0-9_-]{16,64})/([A-Za-z0-9_-]{1,32})$`)

// The states of a picture.
const (
	waiting   = "waiting"
	computing = "computing"
)

// event is a picture's progress.
type event struct {
	Picture string  `json:"picture"`
	State   string  `json:"state"`
	Ahead   int     `json:"ahead"` // how many pictures are ahead of it
	Share   float64 `json:"share"` // of the work, done so far
}

// hub distributes events to listeners. It does not wait for slow listeners: they miss
// events.
type hub struct {
	mu        sync.Mutex
	listeners map[chan event]string // the page that each is for
}

// maxListeners is the limit for all pages together.
const maxListeners = 1000

// reporter returns the function that reports the progress of a request's picture.
func (h *hub) reporter(r *http.Request) (func(event), error) {
	name := r.Header.Get(progressHeader)
	if name == "" {
		return func(event) {}, nil
	}
	m := progressName.FindStringSubmatch(name)
	if m == nil {
		return nil, badRequest("%s: %s: write PAGE/PICTURE, of letters, digits, - and _; PAGE must be hard to guess, of 16 to 64", progressHeader, name)
	}
	return func(e event) {
		e.Picture = m[2]
		h.send(m[1], e)
	}, nil
}

func (h *hub) send(page string, e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c, of := range h.listeners {
		if of != page {
			continue
		}
		select {
		case c <- e:
		default:
		}
	}
}

// listen returns the future events of a page.
func (h *hub) listen(page string) (events chan event, stop func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) >= maxListeners {
		return nil, nil, withStatus(http.StatusServiceUnavailable, "%d clients, the maximum, are listening for progress: try again later", maxListeners)
	}
	events = make(chan event, 64)
	h.listeners[events] = page
	return events, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.listeners, events)
	}, nil
}

// heartbeat keeps a connection from looking dead, and detects one that is.
const heartbeat = 15 * time.Second

// serveProgress streams the events of a page until it leaves.
func (s *Server) serveProgress(w http.ResponseWriter, r *http.Request) {
	page := r.PathValue("page")
	if !progressName.MatchString(page + "/0") {
		s.fail(w, badRequest("/v1/progress/%s: the name of a page is of 16 to 64 letters, digits, - and _", page))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return // there is nothing to wait for
	}
	events, stop, err := s.progress.listen(page)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer stop()
	w.WriteHeader(http.StatusOK)
	conn := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := ": progress of pictures\n\n"
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(s.Patience)) // not every connection supports it: those in tests
		if _, err := fmt.Fprint(w, text); err != nil || conn.Flush() != nil {
			return
		}
		select {
		case e := <-events:
			line, _ := json.Marshal(e) // cannot fail for plain values
			text = fmt.Sprintf("data: %s\n\n", line)
		case <-beat.C:
			text = ":\n\n"
		case <-r.Context().Done():
			return
		case <-s.closing.Done():
			return
		}
	}
}
