//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"strings"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// grid is the shape of a launch: blocks along x, y and z, and bytes of dynamic shared
// memory. The number of threads per block is the kernel's __launch_bounds__, in one
// dimension, which kernels divide as they need.
type grid struct {
	x, y, z int
	shared  int
}

// over returns a one-dimensional grid that covers n items, per of them in each block.
func over(n, per int) grid { return grid{x: ceil(n, per), y: 1, z: 1} }

// maxBlocks is the largest extent of a grid along y and z.
const maxBlocks = 65535

// inPlanes returns a grid with that many blocks for each of n planes, or rows.
func inPlanes(blocks, n int) grid {
	return grid{x: blocks, y: min(n, maxBlocks), z: ceil(n, maxBlocks)}
}

// ceil returns n/d, rounded up.
func ceil(n, d int) int { return (n + d - 1) / d }

// from is the part of a tensor starting at an element, as an argument.
type from struct {
	kernels.Tensor
	element int
}

// inside returns a tensor of that shape, which starts at an element of t.
func inside(t kernels.Tensor, element int, shape ...int) from {
	return from{kernels.Tensor{Shape: shape, Data: t.Data}, element}
}

// argument is an argument of a launch.
type argument struct {
	bits  uint64 // its value, in the first size bytes
	size  int    // of the kernel's parameter
	value any    // for messages: a Shape or a number
}

// text formats an argument for a message.
func (a argument) text() string {
	if s, ok := a.value.(kernels.Shape); ok {
		return strings.ReplaceAll(fmt.Sprint([]int(s)), " ", ",")
	}
	return fmt.Sprint(a.value)
}

// argument packs one argument. A tensor becomes its address, the zero Tensor a null
// pointer; int, float32 and int64 are int, float and long long, and bool is int.
func (b *Backend) argument(v any) argument {
	switch v := v.(type) {
	case kernels.Tensor:
		return b.argument(from{v, 0})
	case from:
		if v.IsZero() {
			return argument{0, 8, "absent"}
		}
		return argument{uint64(b.buffer(v.Tensor).addr) + 4*uint64(v.element), 8, v.Shape}
	case int:
		if v < math.MinInt32 || v > math.MaxInt32 {
			panic(fmt.Sprintf("cuda: the argument %d does not fit an int; make the parameter long long and pass int64", v))
		}
		return argument{uint64(uint32(int32(v))), 4, v}
	case bool:
		if v {
			return b.argument(1)
		}
		return b.argument(0)
	case int64:
		return argument{uint64(v), 8, v}
	case float32:
		return argument{uint64(math.Float32bits(v)), 4, v}
	}
	panic(fmt.Sprintf("cuda: a kernel takes no argument of type %T", v))
}

// launched is a launch on its way to the device, or a fill or a copy, which the driver
// does without a kernel.
type launched struct {
	kernel   *kernel
	grid     grid
	args     []argument
	transfer func(cu.Stream) error // nil: launch the kernel
}

// String names the kernel and the shapes.
func (l *launched) String() string {
	texts := make([]string, len(l.args))
	for i, a := range l.args {
		texts[i] = a.text()
	}
	return fmt.Sprintf("%s(%s)", l.kernel.name, strings.Join(texts, ", "))
}

// launch queues a kernel. An empty grid does nothing.
func (b *Backend) launch(name string, g grid, args ...any) {
	if g.x == 0 || g.y == 0 || g.z == 0 {
		return
	}
	l := &launched{kernel: b.kernel(name), grid: g, args: make([]argument, len(args))}
	for i, a := range args {
		l.args[i] = b.argument(a)
	}
	l.kernel.check(l.args)
	b.queue(l)
}

// gradient is launch for a gradient, the first argument; nothing is computed if it is
// absent.
func (b *Backend) gradient(name string, g grid, d kernels.Tensor, args ...any) {
	if !d.IsZero() {
		b.launch(name, g, append([]any{d}, args...)...)
	}
}

// sums is gradient for sums over more than a block: each block of the grid's x writes its
// part of every one of them, and the parts are added in a fixed order.
func (b *Backend) sums(name string, g grid, d kernels.Tensor, args ...any) {
	if d.IsZero() {
		return
	}
	n := d.Len()
	partial := b.Alloc(n, g.x)
	b.launch(name, g, append([]any{partial}, args...)...)
	b.launch("rows_sum", perRow(n), d, partial, n, g.x)
	b.Free(partial)
}

// The names of transfers, which take a kernel's place where launches are counted or
// named.
var filling, copying, uploading = &kernel{name: "fill"}, &kernel{name: "copy"}, &kernel{name: "upload"}

// run makes the driver call of a launch and records it. Worker only.
func (b *Backend) run(l *launched) {
	if b.fault != nil {
		return
	}
	if b.around != nil && l.transfer == nil {
		defer b.around(l)()
	}
	if b.call(l); b.fault != nil {
		return
	}
	b.failLater("noting progress", b.trail.add(l, b.stream))
	if b.debug {
		b.settle()
		b.failLater("waiting for "+l.String(), b.stream.Synchronize())
	}
}

// call makes the driver call of a launch, on the stream, or into a capture of it.
// Worker only.
func (b *Backend) call(l *launched) {
	k, g := l.kernel, l.grid
	if g.shared > k.shared && l.transfer == nil {
		if err := allowShared(k.fn, g.shared); err != nil {
			b.failLater(fmt.Sprintf("giving %v %d bytes of shared memory", l, g.shared), err)
			return
		}
		k.shared = g.shared
	}
	var err error
	if l.transfer != nil {
		err = l.transfer(b.stream)
	} else {
		arguments := make([]uint64, len(l.args))
		for i, a := range l.args {
			arguments[i] = a.bits
		}
		err = launchKernel(k.fn, g, k.threads, b.stream, arguments)
	}
	if err != nil {
		b.failLater("launching "+l.String(), err)
	}
}
