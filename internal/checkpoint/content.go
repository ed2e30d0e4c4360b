package checkpoint

import (
	"cmp"
	"slices"
)

// Content counts a file's tensors of one type.
type Content struct {
	DType   DType  `json:"dtype"`
	Tensors int    `json:"tensors"`
	Values  uint64 `json:"values"`
}

// Contents counts the weights by type, the most common first, and reports whether the
// file also holds training state, which it does not count.
func (f *File) Contents() (weights []Content, state bool) {
	byType := map[DType]*Content{}
	for name, e := range f.head.entries {
		if isState(name) {
			state = true
			continue
		}
		c := byType[e.dtype]
		if c == nil {
			c = &Content{DType: e.dtype}
			byType[e.dtype] = c
		}
		c.Tensors++
		c.Values += e.elements
	}
	for _, c := range byType {
		weights = append(weights, *c)
	}
	slices.SortFunc(weights, func(a, b Content) int {
		return cmp.Or(cmp.Compare(b.Values, a.Values), cmp.Compare(a.DType, b.DType))
	})
	return weights, state
}

// Size is the length of the file in bytes.
func (f *File) Size() int64 { return f.size }
