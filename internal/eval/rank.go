package eval

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Ranking compares the results of several methods on the same images.
type Ranking struct {
	Protocol Protocol `json:"protocol"`
	Seed     uint64   `json:"bootstrap_seed"`
	Splits   []Split  `json:"splits"`
	// Images is the number of images ranked: those for which each method has a result.
	Images  int      `json:"images"`
	Methods []Ranked `json:"methods"`
	// Friedman is the test's statistic over the ranks by PSNR, and P the probability of
	// a value that large if no method were better than another.
	Friedman float64  `json:"friedman"`
	P        float64  `json:"p"`
	LeftOut  []string `json:"left_out,omitempty"`
	Missing  []string `json:"missing,omitempty"`

	input  []Quality // of each split
	counts []string  // of each split's images
}

// Ranked is a method in a ranking.
type Ranked struct {
	Subject
	Splits []Quality `json:"splits"` // of each split
	Mean   Quality   `json:"mean"`   // of the splits' means
	Rank   float64   `json:"rank"`   // by PSNR, from 1, averaged over the images
	Best   int       `json:"best"`   // images on which no other has a higher PSNR
	// Behind is the mean PSNR minus that of the best method; nil for the best.
	Behind *Interval `json:"behind,omitempty"`

	who string
}

// rankReports ranks two or more methods on the images for which all of them have a result.
// Intervals come from a paired bootstrap that seed determines.
func rankReports(reports []*Report, seed uint64) (*Ranking, error) {
	names := map[string]bool{}
	for _, r := range reports {
		if r.Protocol != reports[0].Protocol {
			return nil, fmt.Errorf("%s and %s were measured differently: %s; %s", reports[0].Model, r.Model, reports[0].Protocol, r.Protocol)
		}
		if names[r.Model] {
			return nil, fmt.Errorf("two methods are called %s: name them NAME=…", r.Model)
		}
		names[r.Model] = true
	}
	all, _ := Common(reports...)
	for _, r := range all {
		if len(r.Splits) == 0 || len(r.Images) != len(all[0].Images) {
			return nil, errors.New("the methods were not measured on the same images: measure all on the same benchmarks")
		}
	}
	k := &Ranking{Protocol: reports[0].Protocol, Seed: seed, Missing: all[0].Missing}
	for _, r := range all {
		k.Methods = append(k.Methods, Ranked{Subject: r.Subject, who: r.who()})
	}
	sound, psnr, err := k.sound(all)
	if err != nil {
		return nil, err
	}
	k.means(sound)
	k.rank(psnr)
	return k, k.compare(sound)
}

// sound returns the reports with the images marked as failed for which one of the
// methods has no finite result, and the PSNR of the others with each method.
func (k *Ranking) sound(reports []*Report) (sound []*Report, psnr [][]float64, err error) {
	for _, r := range reports {
		own := *r
		own.Images = slices.Clone(r.Images)
		sound = append(sound, &own)
	}
	for i := range reports[0].Images {
		row, fault, err := across(reports, i)
		switch {
		case err != nil:
			return nil, nil, err
		case fault == "":
			psnr = append(psnr, row)
			continue
		}
		k.LeftOut = append(k.LeftOut, fault)
		for _, r := range sound {
			r.Images[i].Err = fault
		}
	}
	if k.Images = len(psnr); k.Images == 0 {
		return nil, nil, fmt.Errorf("none of the %d images can be ranked, as each lacks a result of some method; the first: %s", len(k.LeftOut), k.LeftOut[0])
	}
	return sound, psnr, nil
}

func (k *Ranking) means(sound []*Report) {
	at := 0
	for _, s := range sound[0].Splits {
		end := at + s.Images + s.Failed
		for m, r := range sound {
			own := summarise(s.Split, r.Images[at:end])
			if own.Images == 0 {
				break
			}
			if m == 0 {
				k.Splits, k.input, k.counts = append(k.Splits, s.Split), append(k.input, own.Input), append(k.counts, own.Count())
			}
			k.Methods[m].Splits = append(k.Methods[m].Splits, own.Output)
		}
		at = end
	}
	for m := range k.Methods {
		k.Methods[m].Mean = meanOf(k.Methods[m].Splits)
	}
}

// across returns an image's PSNR with each method, or why it is left out.
func across(reports []*Report, at int) (psnr []float64, fault string, err error) {
	first := reports[0].Images[at]
	for _, r := range reports {
		i := r.Images[at]
		switch {
		case i.name() != first.name():
			return nil, "", fmt.Errorf("the methods were not measured on the same images: %s is %s with %s", first.name(), i.name(), r.Model)
		case i.Err != "":
			return nil, fmt.Sprintf("%s, %s: %s", i.name(), r.Model, i.Err), nil
		case first.samePicture(i) != nil:
			return nil, "", fmt.Errorf("%s and %s were %w", reports[0].Model, r.Model, first.samePicture(i))
		case math.IsInf(i.Output.PSNR, 0):
			return nil, fmt.Sprintf("%s, %s: equal to the clean image, so that its PSNR is infinite", i.name(), r.Model), nil
		}
		psnr = append(psnr, i.Output.PSNR)
	}
	return psnr, "", nil
}

// rank ranks the methods on each image, 1 for the highest PSNR; ties get the mean of
// their ranks. It computes Friedman's test from these, with its correction for ties.
func (k *Ranking) rank(psnr [][]float64) {
	methods, n := len(k.Methods), float64(len(psnr))
	squares := 0.
	for _, row := range psnr {
		for m, v := range row {
			higher, equal := 0, 0
			for _, o := range row {
				switch {
				case o > v:
					higher++
				case o == v:
					equal++
				}
			}
			rank := float64(higher) + float64(equal+1)/2
			squares += rank * rank
			k.Methods[m].Rank += rank // the sum, at first
			if higher == 0 {
				k.Methods[m].Best++
			}
		}
	}
	middle, between := float64(methods+1)/2, 0.
	for m := range k.Methods {
		d := k.Methods[m].Rank - n*middle
		between += d * d
		k.Methods[m].Rank /= n
	}
	k.P = 1
	if spread := squares - n*float64(methods)*middle*middle; spread > 0 {
		k.Friedman = float64(methods-1) * between / spread
		k.P = distuv.ChiSquared{K: float64(methods - 1)}.Survival(k.Friedman)
	}
}

// compare compares each method with the one with the highest mean PSNR.
func (k *Ranking) compare(sound []*Report) error {
	best := 0
	for m, r := range k.Methods {
		if r.Mean.PSNR > k.Methods[best].Mean.PSNR {
			best = m
		}
	}
	for m := range k.Methods {
		if m == best {
			continue
		}
		c, err := Compare(sound[best], sound[m], k.Seed)
		if err != nil {
			return err
		}
		k.Methods[m].Behind = &c.Mean.PSNR
	}
	slices.SortStableFunc(k.Methods, func(a, b Ranked) int { return cmp.Compare(b.Mean.PSNR, a.Mean.PSNR) })
	return nil
}
