package checkpoint

import (
	"fmt"
	"slices"
	"strings"
)

// Load reads exactly the tensors of want, in that order. If any are missing, misshapen
// or left over, the error names them all; training state and num_batches_tracked may be
// left over.
func (f *File) Load(want []Spec) ([]Tensor, error) {
	return f.load(want, f.Tensor)
}

// Weights is like Load, for inference: if training kept a moving average of a tensor,
// it returns that under the tensor's own name.
func (f *File) Weights(want []Spec) ([]Tensor, error) {
	return f.load(want, f.Weight)
}

func (f *File) load(want []Spec, read func(name string) (Tensor, error)) ([]Tensor, error) {
	if err := f.Match(want); err != nil {
		return nil, err
	}
	ts := make([]Tensor, len(want))
	for i, w := range want {
		t, err := read(w.Name)
		if err != nil {
			return nil, err
		}
		ts[i] = t
	}
	return ts, nil
}

// Weight is like Weights for a single tensor, after Match.
func (f *File) Weight(name string) (Tensor, error) {
	average, ok := f.head.entries[PrefixEMA+name]
	if !ok {
		return f.Tensor(name)
	}
	if shape := f.head.entries[name].shape; !slices.Equal(average.shape, shape) {
		return Tensor{}, fmt.Errorf("%s: %s is %d, and its average %d", f.name, name, shape, average.shape)
	}
	t, err := f.Tensor(PrefixEMA + name)
	return Tensor{name, t.Value}, err
}

// Match checks names and shapes like Load, without reading data, for callers that then
// read one tensor at a time to save memory.
func (f *File) Match(want []Spec) error {
	var missing, misshapen, unexpected faults
	wanted := map[string]bool{}
	for _, w := range want {
		wanted[w.Name] = true
		e, ok := f.head.entries[w.Name]
		switch {
		case !ok:
			missing.add("%s %d", w.Name, w.Shape)
		case !slices.Equal(e.ints(), w.Shape):
			misshapen.add("%s is %d, not %d", w.Name, e.shape, w.Shape)
		}
	}
	for _, name := range f.Names() {
		counter := strings.HasSuffix(name, "num_batches_tracked") // PyTorch's, of BatchNorm's batches, which is unused
		if !wanted[name] && !counter && !isState(name) {
			unexpected.add("%s %d", name, f.head.entries[name].shape)
		}
	}
	n := len(missing) + len(misshapen) + len(unexpected)
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s does not fit the model's configuration in %d of its tensors (is the configuration the one it was trained with?):%s%s%s",
		f.name, n, missing.list("missing"), misshapen.list("misshapen"), unexpected.list("unexpected"))
}

// faults are tensors that do not fit, for one reason.
type faults []string

func (fs *faults) add(format string, a ...any) { *fs = append(*fs, fmt.Sprintf(format, a...)) }

// list formats the first few faults and the number of the rest.
func (fs faults) list(reason string) string {
	const few = 3
	var b strings.Builder
	for _, fault := range fs[:min(few, len(fs))] {
		fmt.Fprintf(&b, "\n  %-10s %s", reason, fault)
	}
	if rest := len(fs) - few; rest > 0 {
		fmt.Fprintf(&b, "\n  %-10s and %d more", reason, rest)
	}
	return b.String()
}
