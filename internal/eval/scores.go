package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"clusir/internal/checkpoint"
	"clusir/internal/infer"
	"clusir/internal/userfile"
)

// ReadScores reads the results in a file that clusir eval --json printed, in the form
// in which a model's metadata hold them under [infer.KeyResults]. They must be of the
// network with these weights, in the order of its tensors.
func ReadScores(path string, weights []checkpoint.Tensor) (string, error) {
	data, err := userfile.ReadText(path)
	if err != nil {
		return "", fmt.Errorf("%w: name the output of clusir eval --json", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return "", fmt.Errorf("%s is not the output of clusir eval --json, or of clusir merge --json for a file of --results: %w", path, userfile.PlainJSON(err))
	}
	splits := slices.DeleteFunc(r.Splits, func(s SplitResult) bool { return s.Images == 0 })
	if len(splits) == 0 {
		return "", fmt.Errorf("%s holds no results: give the output of clusir eval --json", path)
	}
	if r.Restored != "" {
		return "", fmt.Errorf("%s holds results of another program's pictures: measure the network itself", path)
	}
	if own := fingerprint(weights); r.Weights != "" && r.Weights != own {
		return "", fmt.Errorf("%s holds results of other weights, %s %s, not of these, %s: measure these with clusir eval --json", path, r.Model, r.Weights, own)
	}
	var scores []infer.Score
	for _, s := range splits {
		if math.IsInf(s.Output.PSNR, 0) || math.IsInf(s.Input.PSNR, 0) {
			return "", fmt.Errorf("%s: the PSNR of %s is infinite, which a model's metadata cannot hold: measure without that part", path, s.Name())
		}
		scores = append(scores, infer.Score{
			Benchmark: s.Name(), Images: s.Images, Expected: s.Expected,
			Input: s.Input.PSNR, PSNR: s.Output.PSNR, SSIM: s.Output.SSIM,
		})
	}
	text, err := json.Marshal(scores)
	return string(text), err
}
