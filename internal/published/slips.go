package published

import (
	"fmt"
	"math"
)

// Average is the Benchmark of rows with a method's average.
const Average = "average"

// Survey is the Table of rows that a survey lists and the paper leaves out.
const Survey = "survey-2026-06"

// slips are remarks on single cells of the paper, in addition to those that Doubts
// computes.
var slips = map[[3]string]string{
	{"8", "ClusIR-S", "cbsd68-50"}: "the paper's slip: above ClusIR-Base, which σ = 15 and 25 are not; it takes no part in the ranking",
	{"6", "ClusIR", Average}:       "the best of the paper's table, which leaves out the survey's rows",
}

// Doubt is an error in a cell of the paper.
type Doubt struct {
	Note string
	// PSNR and SSIM are the values by which to rank the cell; NaN means not ranked.
	PSNR, SSIM float64
}

// Doubts returns what is wrong with a cell; the note is empty if nothing is. It compares
// averages with the cells that they average, as far as the rounding of both allows.
func Doubts(r Row) Doubt {
	d := Doubt{slips[[3]string{r.Table, r.Method, r.Benchmark}], r.PSNR, r.SSIM}
	if r.Benchmark != Average {
		if d.Note != "" {
			d.PSNR, d.SSIM = math.NaN(), math.NaN()
		}
		return d
	}
	psnr, ssim, n := ownAverage(r)
	var found string
	if n > 0 && math.Abs(psnr-r.PSNR) > 0.0101 {
		found, d.PSNR = fmt.Sprintf("the paper's slip: its own cells average %.2f dB, by which it is ranked", psnr), psnr
	}
	if n > 0 && math.Abs(ssim-r.SSIM) > 0.00101 {
		found, d.SSIM = fmt.Sprintf("the paper's slip: its own cells average an SSIM of %.3f, by which it is ranked", ssim), ssim
	}
	if found != "" && d.Note != "" {
		found = "; " + found
	}
	d.Note += found
	return d
}

// ownAverage returns the mean of the n cells of an average.
func ownAverage(r Row) (psnr, ssim float64, n int) {
	for _, o := range Rows() {
		if o.Table == r.Table && o.Setting == r.Setting && o.Method == r.Method && o.Benchmark != Average {
			psnr, ssim, n = psnr+o.PSNR, ssim+o.SSIM, n+1
		}
	}
	return psnr / float64(n), ssim / float64(n), n
}
