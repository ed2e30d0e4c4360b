package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// progressHeader is the header by which a request asks for progress: PAGE/PICTURE,
// both of its own making. GET /v1/progress/PAGE then has events of all its pictures.
const progressHeader = "Clusir-Progress"

var progressName = regexp.MustCompile(`^([A-Za-z0-9_-]{16,64})/([A-Za-z0-9_-]{1,32})$`)

// What is done with a picture.
const (
	waiting   = "waiting"
	computing = "computing"
)

// event says how far a picture is.
type event struct {
	Picture string  `json:"picture"`
	State   string  `json:"state"`
	Ahead   int     `json:"ahead"` // how many wait before it
	Share   float64 `json:"share"` // of the work that is done
}

// hub passes events on to who listens. Nobody waits for a listener: it misses what
// it is too slow for.
type hub struct {
	mu        sync.Mutex
	listeners map[string]map[chan event]bool // by page
	count     int
}

// maxListeners is of all pages together.
const maxListeners = 1000

func newHub() *hub { return &hub{listeners: map[string]map[chan event]bool{}} }

// teller returns what tells the progress of a request's picture.
func (h *hub) teller(r *http.Request) (func(event), error) {
	name := r.Header.Get(progressHeader)
	if name == "" {
		return func(event) {}, nil
	}
	m := progressName.FindStringSubmatch(name)
	if m == nil {
		return nil, badRequest("%s: %s: write PAGE/PICTURE, of letters, digits, - and _; PAGE is one that nobody guesses, of 16 to 64", progressHeader, name)
	}
	return func(e event) {
		e.Picture = m[2]
		h.tell(m[1], e)
	}, nil
}

func (h *hub) tell(page string, e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.listeners[page] {
		select {
		case c <- e:
		default:
		}
	}
}

// listen returns the events of a page from now on.
func (h *hub) listen(page string) (events chan event, stop func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.count >= maxListeners {
		return nil, nil, withStatus(http.StatusServiceUnavailable, "%d clients, the maximum, are listening for progress: try again later", maxListeners)
	}
	if h.listeners[page] == nil {
		h.listeners[page] = map[chan event]bool{}
	}
	events = make(chan event, 64)
	h.listeners[page][events] = true
	h.count++
	return events, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.count--
		if delete(h.listeners[page], events); len(h.listeners[page]) == 0 {
			delete(h.listeners, page)
		}
	}, nil
}

// heartbeat keeps a connection from looking dead, and finds that it is.
const heartbeat = 15 * time.Second

// serveProgress sends a page its events until it leaves.
func (s *Server) serveProgress(w http.ResponseWriter, r *http.Request) {
	page := r.PathValue("page")
	if !progressName.MatchString(page + "/0") {
		s.fail(w, badRequest("/v1/progress/%s: the name of a page is of 16 to 64 letters, digits, - and _", page))
		return
	}
	events, stop, err := s.progress.listen(page)
	if err != nil {
		s.fail(w, err)
		return
	}
	defer stop()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	conn := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	text := ": clusir tells here how far pictures are\n\n"
	for {
		_ = conn.SetWriteDeadline(time.Now().Add(s.Patience)) // not every connection has one: a test's
		if _, err := fmt.Fprint(w, text); err != nil || conn.Flush() != nil {
			return
		}
		select {
		case e := <-events:
			line, _ := json.Marshal(e) // of plain values
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
