package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/checkpoint"
	"clusir/internal/kernels"
	"clusir/internal/model"
)

// Tensors of a reference file.
const (
	verifyInput  = "in.image"
	verifyOutput = "eval.output"
	// weightsPrefix precedes the names of weights in such a file.
	weightsPrefix = "model."
)

// tolerance is how far output − input may be from the expected value.
const tolerance = 1e-4

// errDiffers marks an output that is not the expected one.
var errDiffers = errors.New("the output differs")

// Verification is the outcome of Verify.
type Verification struct {
	Model string `json:"model"`
	File  string `json:"file"`
	// Difference is the largest magnitude of output − expected, relative to that of
	// expected − input: what the network adds is small compared to the image itself.
	Difference float64 `json:"difference"`
	Tolerance  float64 `json:"tolerance"`
	Device     string  `json:"device"`
}

// Write prints the outcome in a line of text or JSON.
func (v *Verification) Write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(v)
	}
	_, err := fmt.Fprintf(w, "%s on %s: the output differs by %.2g of what the network adds; at most %g may be\n", v.File, v.Device, v.Difference, v.Tolerance)
	return err
}

// Verify runs the subject on in.image of the file at path, and compares with
// eval.output, another implementation's output. The error wraps errDiffers if they
// differ. Memory is as in Options.
func Verify(s Subject, path string, b kernels.Backend, device string, memory int64) (*Verification, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	image, want, err := verifyTensors(f, path, s.Config)
	if err != nil {
		return nil, err
	}
	shape := image.Shape()
	o := Options{Subject: s, Batch: shape[0], Memory: memory}
	if err := o.checkMemory(Size{W: shape[3], H: shape[2]}, b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, err := s.load(b)
	if err != nil {
		return nil, err
	}
	defer m.Free()
	got, err := restore(m, b, image)
	if err != nil {
		return nil, err
	}
	v := &Verification{Model: s.Name, File: path, Tolerance: tolerance, Device: device}
	if v.Difference, err = relativeDifference(got, want.Data(), image.Data()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !(v.Difference <= tolerance) {
		return v, fmt.Errorf("%w from %s of %s by %.2g of what the network adds, more than %g: are the weights and the configuration the right ones?",
			errDiffers, verifyOutput, path, v.Difference, tolerance)
	}
	return v, nil
}

// verifyTensors reads both, and checks that the network accepts the image.
func verifyTensors(f *checkpoint.File, path string, c arch.Config) (image, want checkpoint.Tensor, err error) {
	if image, err = f.Tensor(verifyInput); err != nil {
		return
	}
	if want, err = f.Tensor(verifyOutput); err != nil {
		return
	}
	shape := image.Shape()
	switch {
	case len(shape) != 4 || shape[1] != 3:
		err = fmt.Errorf("%s: %s is %v: it must be [B,3,H,W]", path, verifyInput, shape)
	case !slices.Equal(shape, want.Shape()):
		err = fmt.Errorf("%s: %s is %v but %s is %v: they must have one shape", path, verifyInput, shape, verifyOutput, want.Shape())
	default:
		if err = (Size{shape[3], shape[2]}).check(c); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	return
}

func restore(m *model.ClusIR, b kernels.Backend, image checkpoint.Tensor) ([]float32, error) {
	tape := &model.Tape{B: b}
	defer tape.Reset()
	restored, _ := m.Forward(tape, tape.Input(image.Data(), image.Shape()...), model.Options{})
	got := autograd.Fetch(b, restored.Tensor)
	return got, tape.Sync()
}

// relativeDifference returns max|got − want| / max|want − image|.
func relativeDifference(got, want, image []float32) (float64, error) {
	var difference, added float64
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		if math.IsNaN(d) {
			return math.NaN(), nil
		}
		difference = max(difference, d)
		added = max(added, math.Abs(float64(want[i])-float64(image[i])))
	}
	if added == 0 {
		return 0, fmt.Errorf("%s equals %s, so any head of zeros would pass: give the output of trained or random weights", verifyOutput, verifyInput)
	}
	return difference / added, nil
}
