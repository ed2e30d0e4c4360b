package bench

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Result is one measurement. Fields that were not measured are 0 and omitted from JSON.
type Result struct {
	Model  string `json:"model"`
	Size   Size   `json:"size"` // the side of a square, else WIDTHxHEIGHT
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Batch  int    `json:"batch"`
	Train  bool   `json:"train"`
	Params int64  `json:"params"` // excludes BatchNorm's running statistics
	// GMACs is 10⁹ multiply-accumulates of the convolutions and matrix products of the
	// whole batch; a training step counts as three forward passes.
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
	Ms         []float64 `json:"ms,omitempty"` // of every run, in order
	ImagesPerS float64   `json:"images_per_s,omitempty"`
	GMACsPerS  float64   `json:"gmacs_per_s,omitempty"`
	// DevicePeak is the GMAC/s of PeakOp, the fastest dense product measured.
	DevicePeak  float64 `json:"peak_gmacs_per_s,omitempty"`
	PeakOp      string  `json:"peak_op,omitempty"`
	ShareOfPeak float64 `json:"share_of_peak,omitempty"`
	// PeakRSSMB is the process's peak memory (in 2²⁰ bytes): since its start for the
	// first of several measurements, and since the previous one for the others,
	// including what the C library still held. 0 if the system does not report it.
	PeakRSSMB float64 `json:"peak_rss_mb,omitempty"`
	// PeakDeviceMB is the peak of a GPU's own memory in tensors.
	PeakDeviceMB float64 `json:"peak_device_mb,omitempty"`

	// Exponent is e in time ∝ pixels^e, fitted to all sizes with this number of
	// threads.
	Exponent float64 `json:"exponent,omitempty"`
	// Speedup is relative to the fewest threads measured at this size.
	Speedup float64      `json:"speedup,omitempty"`
	Profile []profileRow `json:"profile,omitempty"`
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

// compare fills in what is derived from several results.
func compare(rs []Result) {
	for i := range rs {
		r := &rs[i]
		r.Exponent = exponent(slices.DeleteFunc(slices.Clone(rs), func(o Result) bool { return o.Threads != r.Threads }))
		fewest := *r
		for _, o := range rs {
			if o.Size == r.Size && o.Threads < fewest.Threads {
				fewest = o
			}
		}
		if fewest.Threads < r.Threads && r.MsMedian > 0 {
			r.Speedup = fewest.MsMedian / r.MsMedian
		}
	}
}

// exponent returns the slope of log time over log pixels by least squares, 0 if there
// are no two sizes.
func exponent(rs []Result) float64 {
	var x, y []float64
	for _, r := range rs {
		if r.MsMedian <= 0 {
			return 0
		}
		x, y = append(x, math.Log(r.Size.pixels())), append(y, math.Log(r.MsMedian))
	}
	if slices.Min(x) == slices.Max(x) {
		return 0
	}
	_, slope := stat.LinearRegression(x, y, nil, false)
	return slope
}

// megabytes converts bytes to the unit of peak_rss_mb.
func megabytes(bytes int64) float64 { return math.Round(float64(bytes)/(1<<20)*10) / 10 }
