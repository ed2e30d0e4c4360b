//go:build cuda

package cuda

import (
	"math"
	"slices"
	"unsafe"

	"clusir/internal/kernels"
)

// part is a line of optim.cu's table: the first block of a tensor's, its size, and the
// addresses of the tensors that belong together.
type part struct {
	first, n  int64
	addresses [6]uint64
}

// parts is the table of one launch over many tensors, and its number of blocks.
type parts struct {
	lines  []part
	blocks int
}

// add adds a line for tensors of n numbers, and parts that belong to them, as arguments.
func (p *parts) add(b *Backend, n int, ts ...any) {
	l := part{first: int64(p.blocks), n: int64(n)}
	for i, t := range ts {
		l.addresses[i] = b.argument(t).bits
	}
	p.lines = append(p.lines, l)
	p.blocks += ceil(n, sumBlock)
}

// upload returns the table in device memory, followed by n zeros of 4 bytes. It waits
// for nothing: the copy is ordered like a launch.
func (p *parts) upload(b *Backend, n int) (table kernels.Tensor, zeros from) {
	const words = int(unsafe.Sizeof(part{})) / 4
	bits := make([]float32, len(p.lines)*words+n)
	copy(unsafe.Slice((*part)(unsafe.Pointer(&bits[0])), len(p.lines)), p.lines)
	table = b.Alloc(len(bits))
	b.Upload(table, bits)
	return table, from{table, len(p.lines) * words}
}

// table returns the table in device memory, and its number of lines.
func (p *parts) table(b *Backend) (table kernels.Tensor, lines int) {
	const words = int(unsafe.Sizeof(part{})) / 8
	return b.table(unsafe.Slice((*uint64)(unsafe.Pointer(&p.lines[0])), words*len(p.lines))), len(p.lines)
}

// Clear sets every element of ts to 0, in one launch.
func (b *Backend) Clear(ts ...kernels.Tensor) {
	var p parts
	for _, t := range ts {
		p.add(b, t.Len(), t)
	}
	if p.blocks == 0 {
		return
	}
	table, lines := p.table(b)
	b.launch("clear_fwd", over(p.blocks, 1), table, lines)
}

// Adam takes one step for every parameter that a sample reached, in one launch.
func (b *Backend) Adam(ps []kernels.AdamParam, a kernels.Adam) {
	var p parts
	for _, q := range ps {
		same("Adam", q.Param, q.Grad, q.M, q.V)
		p.add(b, q.Param.Len(), q.Param, q.Grad, q.M, q.V, q.Step, from{q.Reached.Tensor, q.Reached.Index})
	}
	if len(ps) == 0 {
		return
	}
	table, done := p.upload(b, len(ps))
	b.launch("adam_fwd", over(p.blocks, 1), table, done, len(ps), float32(a.LR),
		float32(a.Beta1), float32(1-a.Beta1), float32(a.Beta2), float32(1-a.Beta2),
		float32(math.Log(a.Beta1)), float32(math.Log(a.Beta2)), float32(a.Eps))
	b.Free(table)
}

// ClipNorm scales all of gs by min(1, limit/‖gs‖₂).
func (b *Backend) ClipNorm(gs []kernels.Tensor, limit float32) {
	var p parts
	for _, g := range gs {
		p.add(b, g.Len(), g)
	}
	if len(gs) == 0 {
		return
	}
	table, lines := p.table(b)
	partial, scale := b.Alloc(p.blocks), b.Alloc(1)
	b.launch("norm_parts", over(p.blocks, 1), partial, table, lines)
	b.launch("clip_scale", over(1, 1), scale, partial, p.blocks, limit)
	b.launch("clip_fwd", over(p.blocks, 1), table, lines, scale)
	b.free(partial, scale)
}

// Average moves each y towards its x: y += a·(x − y).
func (b *Backend) Average(ys, xs []kernels.Tensor, a float32) {
	check(len(ys) == len(xs), "Average", slices.Concat(ys, xs)...)
	var p parts
	for i, y := range ys {
		same("Average", y, xs[i])
		p.add(b, y.Len(), y, xs[i])
	}
	if len(ys) == 0 {
		return
	}
	table, lines := p.table(b)
	b.launch("average_fwd", over(p.blocks, 1), table, lines, a)
}
