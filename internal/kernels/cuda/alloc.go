//go:build cuda

package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// buffer is the memory behind a tensor; a Tensor's Data is one.
type buffer struct {
	addr  cu.DevicePtr
	bytes int64 // requested
	size  int64 // allocated
	made  int   // serial number
	freed bool
	zero  bool // it counts as full of zeros, which nothing has written yet
}

// cache keeps freed memory for the next allocation of about its size: a training step
// requests the same sizes again and again, and cuMemAlloc and cuMemFree are slow and
// wait for the device. One stream runs all work in call order, so memory can be reused
// at once.
//
// Of several free buffers of a size it takes the oldest: the choice depends only on
// what is free, so that a step that ends as it began has the same addresses as the last
// one.
type cache struct {
	free []*buffer // by size, then by age
	made int       // number of buffers made so far
	held map[*buffer]bool

	live, peak int64 // bytes in tensors
}

const (
	granule  = 512 // sizes are multiples of it
	maxWaste = 8   // a cached buffer may be larger than requested by 1/maxWaste
)

// take returns a cached buffer for the given size, or nil.
func (c *cache) take(size int64) *buffer {
	i := c.place(size, 0)
	if i == len(c.free) || c.free[i].size > size+size/maxWaste {
		return nil
	}
	f := c.free[i]
	c.free = slices.Delete(c.free, i, i+1)
	return f
}

// put returns a buffer to the cache.
func (c *cache) put(f *buffer) {
	i := c.place(f.size, f.made)
	c.free = slices.Insert(c.free, i, f)
}

// place returns the index at which a free buffer of that size and number is, or would
// be.
func (c *cache) place(size int64, made int) int {
	i, _ := slices.BinarySearchFunc(c.free, size, func(f *buffer, s int64) int {
		return cmp.Or(cmp.Compare(f.size, s), cmp.Compare(f.made, made))
	})
	return i
}

// trim frees what the cache holds and no tensor uses. Worker only.
func (c *cache) trim() error {
	var errs []error
	for _, f := range c.free {
		errs = append(errs, cu.MemFree(f.addr))
		delete(c.held, f)
	}
	c.free = nil
	return errors.Join(errs...)
}

// close frees everything, including tensors. Worker only.
func (c *cache) close() error {
	var errs []error
	for f := range c.held {
		errs = append(errs, cu.MemFree(f.addr))
	}
	*c = cache{}
	return errors.Join(errs...)
}

// MemoryUse returns the bytes in tensors, their peak, and the device's total.
func (b *Backend) MemoryUse() (live, peak, total int64) {
	return b.cache.live, b.cache.peak, b.info.Memory
}

// Alloc returns memory with undefined contents. If there is none, Sync returns a fault
// that wraps kernels.ErrMemory, and everything until then is skipped.
func (b *Backend) Alloc(shape ...int) kernels.Tensor {
	s := slices.Clone(kernels.Shape(shape))
	bytes := int64(max(s.Len(), 1)) * 4
	size := bytes
	if !b.debug {
		size = (bytes + granule - 1) / granule * granule
	}
	f := b.cache.take(size)
	if f == nil {
		f = b.allocate(s, size)
	}
	f.bytes, f.freed, f.zero = bytes, false, false
	b.cache.live += f.size
	b.cache.peak = max(b.cache.peak, b.cache.live)
	t := kernels.Tensor{Shape: s, Data: f}
	if b.debug {
		b.post(func() {
			if b.fault == nil {
				b.failLater("filling with NaN", cu.MemsetD32Async(f.addr, 0xffffffff, f.bytes/4, b.stream))
			}
		})
	}
	return t
}

// allocate requests memory from the driver, freeing cached memory if it must.
func (b *Backend) allocate(s kernels.Shape, size int64) *buffer {
	b.cache.made++
	f := &buffer{size: size, made: b.cache.made}
	b.do(func() {
		if b.fault != nil {
			return
		}
		var err error
		f.addr, err = cu.MemAlloc(size)
		if errors.Is(err, cu.OutOfMemory) && len(b.cache.free)+len(b.graphs.made) > 0 {
			if err = errors.Join(b.forgetGraphs(), b.cache.trim()); err == nil {
				f.addr, err = cu.MemAlloc(size)
			}
		}
		b.failLater(fmt.Sprintf("allocating %v, %s, with %s of %s in tensors",
			s, mebibytes(size), mebibytes(b.cache.live), mebibytes(b.info.Memory)), err)
	})
	if f.addr != 0 {
		b.cache.held[f] = true
	}
	return f
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// Free frees t.
func (b *Backend) Free(t kernels.Tensor) {
	if t.IsZero() {
		return
	}
	f := b.memory(t)
	f.freed = true
	b.cache.live -= f.size
	switch {
	case f.addr == 0: // its allocation failed
	case b.debug:
		delete(b.cache.held, f)
		b.do(func() { b.failLater("freeing", cu.MemFree(f.addr)) })
	default:
		b.cache.put(f)
	}
}

func (b *Backend) free(ts ...kernels.Tensor) {
	for _, t := range ts {
		b.Free(t)
	}
}

// buffer returns the memory behind t, for a kernel or a transfer.
func (b *Backend) buffer(t kernels.Tensor) *buffer {
	f := b.memory(t)
	if f.zero {
		f.zero = false
		b.fill(f.addr, 0, f.bytes/4)
	}
	return f
}

// fresh reports whether those of ts that are present are full of zeros that nothing has
// written. The caller must then overwrite them: gradients that are added to for the first
// time.
func (b *Backend) fresh(ts ...kernels.Tensor) bool {
	var all []*buffer
	for _, t := range ts {
		if t.IsZero() {
			continue
		}
		f := b.memory(t)
		if !f.zero || int64(t.Len())*4 != f.bytes || slices.Contains(all, f) {
			return false
		}
		all = append(all, f)
	}
	for _, f := range all {
		f.zero = false
	}
	return len(all) > 0
}

// memory returns the memory behind t. It panics if that has been freed or is too small
// for t's shape.
func (b *Backend) memory(t kernels.Tensor) *buffer {
	f := t.Data.(*buffer)
	if f.freed {
		panic(fmt.Sprintf("cuda: use of a freed tensor %v", t.Shape))
	}
	if int64(t.Len())*4 > f.bytes {
		panic(fmt.Sprintf("cuda: a tensor of shape %v in %d bytes", t.Shape, f.bytes))
	}
	return f
}
