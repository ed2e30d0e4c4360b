package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/infer"
	"clusir/internal/shard"
)

// Protocol is how images are measured. Every output but CSV names it, because results of
// other protocols are not comparable.
type Protocol struct {
	Name     string `json:"name"` // promptir or gaussian: the window of SSIM
	YChannel bool   `json:"y_channel"`
	Seed     uint64 `json:"seed"` // of the noise
}

// ProtocolOf returns the protocol of a configuration.
func ProtocolOf(c config.Eval) Protocol {
	return Protocol{Name: c.Protocol, YChannel: c.YChannel, Seed: c.Seed}
}

// String describes the protocol on one line.
func (p Protocol) String() string { return p.with("output clamped and not quantised") }

// with is String with a given description of the output.
func (p Protocol) with(output string) string {
	window := map[string]string{"promptir": "7×7 uniform", "gaussian": "11×11 Gaussian, σ 1.5"}[p.Name]
	channels := "RGB"
	if p.YChannel {
		channels = "Y of BT.601"
	}
	return fmt.Sprintf("protocol %s: %s, SSIM window %s, centre crop to multiples of 16, noise clipped and truncated to 8 bits, noise seed %d, %s",
		p.Name, channels, window, p.Seed, output)
}

// Subject is the network that was measured and its device; or another program, named
// Model, and the folder of the pictures that it restored.
type Subject struct {
	Model   string `json:"model,omitempty"`
	Weights string `json:"weights,omitempty"` // see fingerprint
	// Ensemble says which flips and turns results are means over.
	Ensemble infer.Ensemble `json:"ensemble,omitempty"`
	Device   string         `json:"device,omitempty"`
	Restored string         `json:"restored,omitempty"`
}

// place returns where the network ran, and in how many turns of each image.
func (s Subject) place() string {
	switch s.Ensemble {
	case infer.Turns:
		return s.Device + ", the mean over eight flips and turns"
	case infer.Flips:
		return s.Device + ", the mean over four flips"
	}
	return s.Device
}

// fingerprint identifies weights regardless of their file: it is the beginning of the
// SHA-256 of all names and values.
func fingerprint(weights []checkpoint.Tensor) string {
	sum := sha256.New()
	for _, t := range weights {
		fmt.Fprintf(sum, "%s %v\n", t.Name, t.Shape())
		// Writing to a hash cannot fail.
		_ = binary.Write(sum, binary.LittleEndian, t.Data())
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// Quality is how close an image is to the clean one.
type Quality struct {
	PSNR float64 // dB; +Inf if they are equal, "inf" in JSON
	SSIM float64
}

type jsonQuality struct {
	PSNR any      `json:"psnr"`
	SSIM *float64 `json:"ssim"`
}

// MarshalJSON writes {"psnr": 31.2, "ssim": 0.91}.
func (q Quality) MarshalJSON() ([]byte, error) {
	j := jsonQuality{q.PSNR, &q.SSIM}
	if math.IsInf(q.PSNR, 1) {
		j.PSNR = "inf"
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (q *Quality) UnmarshalJSON(text []byte) error {
	var j jsonQuality
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	if j.PSNR == nil || j.SSIM == nil {
		return errors.New("a PSNR or an SSIM is missing")
	}
	q.SSIM = *j.SSIM
	switch v := j.PSNR.(type) {
	case float64:
		q.PSNR = v
	case string:
		if v != "inf" {
			return fmt.Errorf("a PSNR of %q: it is a number, or \"inf\"", v)
		}
		q.PSNR = math.Inf(1)
	default:
		return fmt.Errorf("a PSNR of %v: it is a number, or \"inf\"", v)
	}
	return nil
}

// meanOf returns the mean, 0 of nothing.
func meanOf(all []Quality) (mean Quality) {
	for _, q := range all {
		mean.PSNR, mean.SSIM = mean.PSNR+q.PSNR, mean.SSIM+q.SSIM
	}
	n := float64(max(len(all), 1))
	return Quality{mean.PSNR / n, mean.SSIM / n}
}

// ImageResult is the result of one image; Err is the reason if there is none.
type ImageResult struct {
	Index     int     `json:"index"` // among all images of the run
	Benchmark string  `json:"benchmark"`
	Split     string  `json:"split,omitempty"`
	Image     string  `json:"image"`
	W         int     `json:"w"`
	H         int     `json:"h"`
	Input     Quality `json:"input"`
	Output    Quality `json:"output"`
	MS        float64 `json:"ms"`
	// Shift is the largest change of a channel's mean, in a range of 1.
	Shift float64 `json:"shift,omitempty"`
	// Experts holds the weights α_c p(e|c,x) of all experts of each stage, 0 for those
	// that did not run.
	Experts [][]float32 `json:"experts,omitempty"`
	// Posterior is p(C=c|x) of each stage, Eq. 5.
	Posterior [][]float32 `json:"posterior,omitempty"`
	// Files identifies the bytes of the benchmark's files; see [dataset.Item.Digest].
	Files string `json:"files,omitempty"`
	// Picture is the file to which another program restored it.
	Picture *Picture `json:"picture,omitempty"`
	Err     string   `json:"error,omitempty"`
}

// name identifies the image in messages.
func (i ImageResult) name() string {
	return strings.Join(strings.Fields(i.Benchmark+" "+i.Split+" "+i.Image), " ")
}

// samePicture returns an error if o, which has i's name, is of another picture: then their
// inputs differ too.
func (i ImageResult) samePicture(o ImageResult) error {
	if math.Abs(i.Input.PSNR-o.Input.PSNR) > 0.01 {
		return fmt.Errorf("not measured on the same pictures: %s: its input has %.2f dB in one and %.2f dB in the other", i.name(), i.Input.PSNR, o.Input.PSNR)
	}
	return nil
}

// Split is a part of a benchmark with its own result.
type Split struct {
	Benchmark string `json:"benchmark"`
	Title     string `json:"title"`
	Label     string `json:"split,omitempty"`
	Task      string `json:"task"`
	Expected  int    `json:"expected,omitempty"` // images in the whole benchmark
	Found     int    `json:"found"`              // on disk
	// Key is its name among the published numbers. Own reports that the benchmark is
	// the user's, so that it has no published numbers, whatever its name.
	Key string `json:"key"`
	Own bool   `json:"own,omitempty"`
	// Names is a fingerprint of the images' names.
	Names string `json:"names,omitempty"`
	// Skipped lists files that could not be used, and why.
	Skipped []string `json:"skipped,omitempty"`
}

func newSplit(s *dataset.Split) Split {
	b := s.Benchmark
	split := Split{Benchmark: b.Name, Title: b.Title, Label: s.Label, Task: b.Task, Expected: b.Expected, Found: len(s.Items), Key: key(s), Own: b.Own}
	names := sha256.New()
	for _, item := range s.Items {
		fmt.Fprintf(names, "%q\n", item.Name)
	}
	split.Names = hex.EncodeToString(names.Sum(nil)[:8])
	for _, skip := range s.Skipped {
		split.Skipped = append(split.Skipped, skip.String())
	}
	return split
}

// Name returns the benchmark's title and the part.
func (s Split) Name() string {
	return strings.TrimSpace(s.Title + " " + s.Label)
}

// key returns the split's name in the published tables, cbsd68-15, rain100l or l+h, or
// one of the user's own: mine-sleet.
func key(s *dataset.Split) string {
	switch {
	case len(s.Benchmark.Sigmas) > 0 || s.Sigma > 0:
		return fmt.Sprintf("%s-%g", s.Benchmark.Name, s.Sigma)
	case s.Label != "" && s.Benchmark.Own:
		return s.Benchmark.Name + "-" + s.Label
	case s.Label != "":
		return shortKind(s.Label)
	}
	return s.Benchmark.Name
}

// SplitResult is the mean over a split's images; dB are averaged per image.
type SplitResult struct {
	Split
	Images int     `json:"images"`
	Failed int     `json:"failed,omitempty"`
	Input  Quality `json:"input"`
	Output Quality `json:"output"`
}

// Count returns how many of the benchmark's images were measured: "68", "24 of 100", or
// "40, not 24" if there are more than it has.
func (s SplitResult) Count() string { return dataset.Count(s.Images, s.Found, s.Expected) }

// Report is the whole result.
type Report struct {
	Subject
	Protocol Protocol `json:"protocol"`
	// Setting selects the published numbers that are printed next to ours, such as
	// five-task.
	Setting string        `json:"setting,omitempty"`
	Shard   shard.Shard   `json:"shard,omitzero"`
	Limit   int           `json:"limit,omitempty"` // images of each split, 0 for all
	Splits  []SplitResult `json:"splits"`
	Images  []ImageResult `json:"images"`
	Missing []string      `json:"missing,omitempty"` // benchmarks that are not on disk, and where to get them
}

// report computes the means of the measured images.
func (h Header) report(rows []ImageResult) *Report {
	r := &Report{Subject: h.Subject, Protocol: h.Protocol, Setting: h.Setting, Shard: h.Shard, Limit: h.Limit, Missing: h.Missing}
	r.Images = slices.SortedFunc(slices.Values(rows), func(a, b ImageResult) int { return a.Index - b.Index })
	first, end := 0, 0
	for _, s := range h.Splits {
		end += s.Found
		next, _ := slices.BinarySearchFunc(r.Images, end, func(i ImageResult, end int) int { return i.Index - end })
		r.Splits = append(r.Splits, summarise(s, r.Images[first:next]))
		first = next
	}
	return r
}

func summarise(s Split, images []ImageResult) SplitResult {
	var inputs, outputs []Quality
	for _, i := range images {
		if i.Err == "" {
			inputs, outputs = append(inputs, i.Input), append(outputs, i.Output)
		}
	}
	measured := len(inputs)
	return SplitResult{Split: s, Images: measured, Failed: len(images) - measured, Input: meanOf(inputs), Output: meanOf(outputs)}
}
