//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"math"
	"unsafe"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// chunk is the largest transfer of one pinned buffer.
const chunk = 32 << 20

// inFlight is the most memory that uploads may pin while the device is busy.
const inFlight = 256 << 20

// pinnedBuffer carries one transfer; its event tells when that is done.
type pinnedBuffer struct {
	p    unsafe.Pointer
	size int64
	done cu.Event
	busy bool
}

// floats returns the start of the buffer as a slice.
func (p *pinnedBuffer) floats(n int) []float32 { return unsafe.Slice((*float32)(p.p), n) }

// pinnedPool holds pinned buffers, the least recently used first. Worker only.
type pinnedPool struct {
	all  []*pinnedBuffer
	held int64
}

// get returns a buffer of at least size bytes that no transfer uses.
func (pool *pinnedPool) get(size int64) (*pinnedBuffer, error) {
	size = max(64<<10, int64(1)<<int(math.Ceil(math.Log2(float64(size)))))
	for i, p := range pool.all {
		if p.size != size {
			continue
		}
		if err := p.poll(pool.held+size > inFlight); err != nil {
			return nil, err
		}
		if !p.busy {
			pool.all = append(append(pool.all[:i:i], pool.all[i+1:]...), p)
			return p, nil
		}
	}
	return pool.add(size)
}

// poll checks whether a buffer's transfer is done, waiting for it if wait is set.
func (p *pinnedBuffer) poll(wait bool) error {
	if !p.busy {
		return nil
	}
	over := p.done.Query
	if wait {
		over = p.done.Synchronize
	}
	err := over()
	if errors.Is(err, cu.NotReady) {
		return nil
	}
	p.busy = err != nil
	return err
}

func (pool *pinnedPool) add(size int64) (*pinnedBuffer, error) {
	host, err := hostAlloc(size)
	if err != nil {
		return nil, err
	}
	p := &pinnedBuffer{p: host, size: size}
	if p.done, err = cu.MakeEvent(cu.DisableTiming); err != nil {
		return nil, errors.Join(err, cu.MemFreeHost(host))
	}
	pool.all = append(pool.all, p)
	pool.held += size
	return p, nil
}

func (pool *pinnedPool) close() error {
	var errs []error
	for _, p := range pool.all {
		errs = append(errs, cu.DestroyEvent(&p.done), cu.MemFreeHost(p.p))
	}
	*pool = pinnedPool{}
	return errors.Join(errs...)
}

// Fill sets every element of t to v. If that is 0, and t is all of its memory, it is put
// off until something else reads or writes it: most gradients are first overwritten.
func (b *Backend) Fill(t kernels.Tensor, v float32) {
	n := int64(t.Len())
	if n == 0 {
		return
	}
	if f := b.memory(t); math.Float32bits(v) == 0 && 4*n == f.bytes {
		f.zero = true
		return
	}
	b.fill(b.buffer(t).addr, v, n)
}

// fill queues the fill of n numbers.
func (b *Backend) fill(at cu.DevicePtr, v float32, n int64) {
	args := []argument{{uint64(at), 8, kernels.Shape{int(n)}}, b.argument(v), b.argument(n)}
	b.queue(&launched{kernel: filling, args: args, transfer: func(s cu.Stream) error {
		return cu.MemsetD32Async(at, uint(math.Float32bits(v)), n, s)
	}})
}

// Copy sets dst to src, of the same size.
func (b *Backend) Copy(dst, src kernels.Tensor) {
	same("Copy", dst, src)
	n := 4 * int64(src.Len())
	if n == 0 {
		return
	}
	d, s := b.argument(dst), b.argument(src)
	b.queue(&launched{kernel: copying, args: []argument{d, s, b.argument(n)}, transfer: func(stream cu.Stream) error {
		return cu.MemcpyDtoDAsync(cu.DevicePtr(d.bits), cu.DevicePtr(s.bits), n, stream)
	}})
}

// Upload sets dst to src, which may change as soon as it returns. It does not wait for
// the device unless that is far behind.
func (b *Backend) Upload(dst kernels.Tensor, src []float32) {
	f := b.sized("Upload", dst, len(src))
	if b.watch != nil {
		b.watch(&launched{kernel: uploading, args: []argument{b.argument(dst)}})
	}
	b.do(func() { b.inChunks(fmt.Sprintf("uploading %v", dst.Shape), src, f.addr, true) })
}

// inChunks transfers numbers, up to the device or down, until there is a fault. Worker only.
func (b *Backend) inChunks(doing string, host []float32, device cu.DevicePtr, up bool) {
	for at := 0; at < len(host) && b.fault == nil; at += chunk / 4 {
		b.failLater(doing, b.transfer(host[at:min(at+chunk/4, len(host))], device+cu.DevicePtr(4*at), up))
	}
}

// transfer transfers a chunk. It waits for its end if that is on the host.
func (b *Backend) transfer(host []float32, device cu.DevicePtr, up bool) error {
	n := 4 * int64(len(host))
	p, err := b.pinned.get(n)
	if err != nil {
		return err
	}
	if up {
		copy(p.floats(len(host)), host)
		err = cu.MemcpyHtoDAsync(device, p.p, n, b.stream)
	} else {
		err = cu.MemcpyDtoHAsync(p.p, device, n, b.stream)
	}
	if err != nil {
		return err
	}
	p.busy = true
	if err := p.done.Record(b.stream); err != nil || up {
		return err
	}
	if err := p.poll(true); err != nil {
		return err
	}
	copy(host, p.floats(len(host)))
	return nil
}

// Download waits for all earlier work and sets dst to src. If that work has failed it
// sets dst to NaN, and Sync returns the reason.
func (b *Backend) Download(dst []float32, src kernels.Tensor) {
	f := b.sized("Download", src, len(dst))
	b.do(func() {
		b.settle()
		b.inChunks(fmt.Sprintf("downloading %v", src.Shape), dst, f.addr, false)
		for i := 0; i < len(dst) && b.fault != nil; i++ {
			dst[i] = float32(math.NaN())
		}
	})
}

// sized returns t's memory. It panics if t does not have n elements.
func (b *Backend) sized(op string, t kernels.Tensor, n int) *buffer {
	if t.Len() != n {
		panic(fmt.Sprintf("cuda: %s: a tensor of shape %v and %d numbers", op, t.Shape, n))
	}
	return b.buffer(t)
}

// same panics if tensors differ in size.
func same(op string, t kernels.Tensor, others ...kernels.Tensor) {
	for _, o := range others {
		check(o.Len() == t.Len(), op, t, o)
	}
}

// check panics with the operation's name and the tensors' shapes unless ok.
func check(ok bool, op string, ts ...kernels.Tensor) {
	if ok {
		return
	}
	var shapes []kernels.Shape
	for _, t := range ts {
		shapes = append(shapes, t.Shape)
	}
	panic(fmt.Sprintf("cuda: %s: tensors of shapes %v do not fit", op, shapes))
}
