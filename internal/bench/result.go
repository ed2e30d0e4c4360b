package bench

import (
	"math"
	"slices"
)

// Result is one measurement. What was not measured is 0 and left out of JSON.
type Result struct {
	Model  string `json:"model"`
	Size   Size   `json:"size"` // the side of a square, else WIDTHxHEIGHT
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Batch  int    `json:"batch"`
	Train  bool   `json:"train"`
	Params int64  `json:"params"` // BatchNorm's running statistics are not parameters
	// GMACs is 10⁹ multiply-accumulates of the convolutions and matrix products
	// of the whole batch; a step of training counts as three forward passes.
	GMACs     float64 `json:"gmacs"`
	Precision string  `json:"precision,omitempty"`
	Device    string  `json:"device,omitempty"`
	ISA       string  `json:"isa,omitempty"`
	Threads   int     `json:"threads,omitempty"`
	Warmup    int     `json:"warmup"`
	Runs      int     `json:"runs"`

	MsMedian   float64   `json:"ms_median,omitempty"`
	MsMin      float64   `json:"ms_min,omitempty"`
	MsMax      float64   `json:"ms_max,omitempty"`
	Ms         []float64 `json:"ms,omitempty"` // of every run, in their order
	ImagesPerS float64   `json:"images_per_s,omitempty"`
	GMACsPerS  float64   `json:"gmacs_per_s,omitempty"`
	// DevicePeak is the GMAC/s of PeakOp, the fastest dense product measured.
	DevicePeak  float64 `json:"peak_gmacs_per_s,omitempty"`
	PeakOp      string  `json:"peak_op,omitempty"`
	ShareOfPeak float64 `json:"share_of_peak,omitempty"`
	// PeakRSSMB is the most memory (2²⁰ bytes) that the process has had: since
	// its start for the first of several measurements, and since the one before
	// for the others, what the C library kept of that included. 0 where the
	// system does not say.
	PeakRSSMB float64 `json:"peak_rss_mb,omitempty"`
	// PeakDeviceMB is the most of a GPU's own memory that was in tensors.
	PeakDeviceMB float64 `json:"peak_device_mb,omitempty"`

	// Exponent is e in time ∝ pixels^e, fitted to all sizes at these threads.
	Exponent float64 `json:"exponent,omitempty"`
	// Speedup is over the fewest threads measured at this size.
	Speedup float64      `json:"speedup,omitempty"`
	Profile []ProfileRow `json:"profile,omitempty"`
}

// rates fills in what follows from the times.
func (r *Result) rates() {
	r.MsMedian, r.MsMin, r.MsMax = median(r.Ms), slices.Min(r.Ms), slices.Max(r.Ms)
	r.ImagesPerS = perSecond(float64(r.Batch), r.MsMedian)
	r.GMACsPerS = perSecond(r.GMACs, r.MsMedian)
	if r.DevicePeak > 0 {
		r.ShareOfPeak = r.GMACsPerS / r.DevicePeak
	}
}

func median(xs []float64) float64 {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// compare fills in what takes several results.
func compare(rs []Result) {
	for i := range rs {
		r := &rs[i]
		r.Exponent = exponent(slices.DeleteFunc(slices.Clone(rs), func(o Result) bool { return o.Threads != r.Threads }))
		if fewest := fewestThreads(rs, r.Size); fewest.Threads < r.Threads && r.MsMedian > 0 {
			r.Speedup = fewest.MsMedian / r.MsMedian
		}
	}
}

func fewestThreads(rs []Result, s Size) Result {
	rs = slices.DeleteFunc(slices.Clone(rs), func(o Result) bool { return o.Size != s })
	return slices.MinFunc(rs, func(a, b Result) int { return a.Threads - b.Threads })
}

// exponent is the slope of log time over log pixels by least squares, 0 where
// there are no two sizes.
func exponent(rs []Result) float64 {
	var n, x, y, xx, xy float64
	for _, r := range rs {
		if r.MsMedian <= 0 {
			return 0
		}
		u, v := math.Log(r.Size.pixels()), math.Log(r.MsMedian)
		n, x, y, xx, xy = n+1, x+u, y+v, xx+u*u, xy+u*v
	}
	spread := n*xx - x*x
	if spread < 1e-9 {
		return 0
	}
	return (n*xy - x*y) / spread
}

// megabytes is how peak_rss_mb counts.
func megabytes(bytes int64) float64 { return math.Round(float64(bytes)/(1<<20)*10) / 10 }
