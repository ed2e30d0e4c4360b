// Package serve restores pictures over HTTP. It serves a page to drop them on, and the
// API that the page and scripts use.
//
// A picture is received completely, into a file without a name, before it enters the
// queue, and its result is written to another such file before it is sent. So the
// network never waits for a client, and slow or gone clients occupy only a file. One
// [restore.Run] at a time takes pictures from the queue, within restore's memory
// limit, and stops work on those whose client is gone.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"clusir/internal/infer"
	"clusir/internal/model"
)

// Model is a network that requests can select by name.
type Model struct {
	Name  string
	Net   *infer.Network
	About *infer.Description

	responses model.ClusterResponses
}

// Options are what a server offers and may use.
type Options struct {
	Models  []*Model // the first is the default
	Device  string   // its name in messages
	Version string

	MaxMemory    int64 // as in restore.Options, for the whole program
	DeviceMemory int64
	MaxPixels    int64         // of one picture
	MaxBody      int64         // bytes of one request
	MaxDisk      int64         // bytes of pictures and results in the system's temporary folder
	Queue        int           // pictures that may wait
	MaxTime      time.Duration // for computing a picture

	Token string   // required by requests; "" for none
	Hosts []string // names of this machine besides localhost
	Log   io.Writer
	Debug bool // log the stacks of bugs

	// Patience is how long a client may take for a header, or for one piece of a body
	// that it sends or receives. 0 means 20 seconds.
	Patience time.Duration
}

// Server serves pictures and must be closed.
type Server struct {
	Options
	queue    *queue
	spool    *spool
	progress *hub
	metrics  *metrics
	handler  http.Handler
	log      *log.Logger

	closing context.Context // ends when no more pictures are accepted
	close   context.CancelFunc
	drained chan struct{} // closed when the last picture is done
}

// New returns a server that is ready to compute.
func New(o Options) (*Server, error) {
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	s := &Server{Options: o, queue: newQueue(o.Queue), progress: &hub{listeners: map[chan event]string{}}, log: log.New(o.Log, "clusir: ", 0), drained: make(chan struct{})}
	var err error
	if s.spool, err = newSpool(o.MaxDisk, s.log); err != nil {
		return nil, err
	}
	for _, m := range o.Models {
		if m.responses, err = model.ReadResponses(m.Net.Metadata, m.Net.Model.Config); err != nil {
			return nil, fmt.Errorf("model %s: %w", m.Name, err)
		}
	}
	s.metrics = newMetrics(s)
	s.handler = s.routes()
	s.closing, s.close = context.WithCancel(context.Background())
	go s.compute()
	return s, nil
}

// Close refuses further pictures and returns once all accepted ones are done.
func (s *Server) Close() {
	s.close()
	s.queue.close()
	<-s.drained
}

// lastResults is how long clients may take to receive their results after the last
// picture is done.
const lastResults = 30 * time.Second

// Serve serves on l until ctx ends, and then finishes what it has accepted.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: s.Patience, IdleTimeout: 3 * s.Patience, MaxHeaderBytes: 32 << 10, ErrorLog: s.log,
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		s.Close()
		return err
	case <-ctx.Done():
	}
	end, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		s.Close()
		time.AfterFunc(lastResults, stop)
	}()
	err := h.Shutdown(end)
	if errors.Is(err, context.Canceled) {
		err = h.Close()
	}
	<-s.drained
	return err
}
