package serve

import (
	"cmp"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"clusir/internal/restore"
)

// metrics holds what /metrics exposes.
type metrics struct {
	handler  http.Handler
	requests *prometheus.CounterVec
	pictures *prometheus.CounterVec
	pixels   prometheus.Counter
	received prometheus.Counter
	seconds  prometheus.Histogram

	mu   sync.Mutex
	last time.Time     // when the last picture was done
	each time.Duration // moving average of the time per picture
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clusir_requests_total", Help: "Requests by method and status."}, []string{"method", "code"}),
		pictures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "clusir_pictures_total", Help: "Pictures by outcome."}, []string{"outcome"}),
		pixels:   prometheus.NewCounter(prometheus.CounterOpts{Name: "clusir_pixels_total", Help: "Pixels that were restored."}),
		received: prometheus.NewCounter(prometheus.CounterOpts{Name: "clusir_received_bytes_total", Help: "Bytes of pictures that were received."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "clusir_compute_seconds", Help: "Seconds that the network took for a picture.",
			Buckets: prometheus.ExponentialBuckets(0.05, 2, 14)}),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
	}
	r := prometheus.NewRegistry()
	r.MustRegister(m.requests, m.pictures, m.pixels, m.received, m.seconds,
		gauge("clusir_queue_length", "Pictures waiting in the queue.", func() float64 { return float64(s.queue.length()) }),
		gauge("clusir_queue_capacity", "Pictures that fit in the queue.", func() float64 { return float64(s.Queue) }),
		gauge("clusir_spool_bytes", "Bytes of pictures and results on the disk.", func() float64 { return float64(s.spool.used.Load()) }),
		gauge("clusir_spool_files", "Pictures and results on the disk.", func() float64 { return float64(s.spool.open.Load()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{})
	for _, outcome := range []string{restored, failed, ended} {
		m.pictures.WithLabelValues(outcome) // so that it shows as 0 before the first
	}
	return m
}

// Outcomes of pictures that the network started on.
const (
	restored = "restored"
	failed   = "failed"
	ended    = "ended" // its client left, or its time was over
)

func (m *metrics) picture(res restore.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if took := min(now.Sub(m.last), res.Load+res.Compute+res.Save); m.each == 0 {
		m.each = took
	} else {
		m.each = (7*m.each + took) / 8
	}
	m.last = now
	status := statusOf(res.Err)
	switch {
	case res.Err == nil:
		m.pictures.WithLabelValues(restored).Inc()
		m.pixels.Add(float64(res.W) * float64(res.H))
		m.seconds.Observe(res.Compute.Seconds())
	case status == statusClientGone || status == http.StatusGatewayTimeout:
		m.pictures.WithLabelValues(ended).Inc()
	default:
		m.pictures.WithLabelValues(failed).Inc()
	}
}

// retryAfter returns the seconds until half of the queue will be done.
func (m *metrics) retryAfter(waiting int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	const longest = 300
	return max(1, min(int((m.each*time.Duration(waiting)/2).Seconds()), longest))
}

func (m *metrics) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &statusWriter{ResponseWriter: w}
		next.ServeHTTP(c, r)
		method := r.Method
		if method != http.MethodGet && method != http.MethodPost {
			method = "other" // clients can make up any number of methods
		}
		m.requests.WithLabelValues(method, strconv.Itoa(cmp.Or(c.status, http.StatusOK))).Inc()
	})
}

// statusWriter records the status.
type statusWriter struct {
	http.ResponseWriter
	status int // 0 for http.StatusOK if nothing set it
}

// Unwrap supports http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}
