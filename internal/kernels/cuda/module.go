//go:build cuda

package cuda

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"gorgonia.org/cu"
)

// images holds the compiled kernels, one fatbin a family, and the release of the
// compiler that made them.
//
//go:embed image/*.fatbin image/release
var images embed.FS

// toolkitRelease is the CUDA release of the kernels, such as 13.0.
func toolkitRelease() string {
	text, err := images.ReadFile("image/release")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	return strings.TrimSpace(string(text))
}

// loadModules loads every family. Worker only.
func loadModules(driver string) ([]cu.Module, error) {
	names, err := fs.Glob(images, "image/*.fatbin")
	if err != nil {
		return nil, err
	}
	var modules []cu.Module
	for _, name := range names {
		image, err := images.ReadFile(name)
		if err != nil {
			return modules, err
		}
		m, err := cu.LoadData(string(image))
		if err != nil {
			return modules, fmt.Errorf("loading %s, compiled by CUDA %s, by a driver for CUDA %s: %w", name, toolkitRelease(), driver, err)
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// kernel is a function on the device.
type kernel struct {
	name    string
	fn      cu.Function
	sizes   []int // of the parameters; nil if the driver cannot tell
	threads int   // of a block: its __launch_bounds__
	shared  int   // bytes of dynamic shared memory it may use
}

// kernel returns the kernel of that name, which it looks up once.
func (b *Backend) kernel(name string) *kernel {
	if k := b.kernels[name]; k != nil {
		return k
	}
	k := &kernel{name: name, shared: 48 << 10}
	var err error
	b.do(func() {
		if b.fault == nil {
			err = b.find(k)
		}
	})
	switch {
	case errors.Is(err, cu.NotFound):
		panic(fmt.Sprintf("cuda: no file of kernels/ has a kernel %s", name))
	case err == nil && k.fn != (cu.Function{}):
		b.kernels[name] = k
	}
	return k
}

// find fills in k. An error but NotFound is kept for Sync. Worker only.
func (b *Backend) find(k *kernel) error {
	for _, m := range b.modules {
		fn, err := m.Function(k.name)
		if errors.Is(err, cu.NotFound) {
			continue
		}
		if err == nil {
			k.sizes, err = parameterSizes(fn)
		}
		if err == nil {
			k.threads, err = fn.Attribute(cu.FnMaxThreadsPerBlock)
		}
		if err != nil {
			b.failLater("looking up "+k.name, err)
			return err
		}
		k.fn = fn
		return nil
	}
	return cu.NotFound
}

// check panics where arguments do not fit the kernel's parameters.
func (k *kernel) check(args []argument) {
	if k.sizes == nil {
		return
	}
	if len(args) != len(k.sizes) {
		panic(fmt.Sprintf("cuda: %s has %d parameters and was given %d arguments", k.name, len(k.sizes), len(args)))
	}
	for i, a := range args {
		if a.size != k.sizes[i] {
			panic(fmt.Sprintf("cuda: parameter %d of %s has %d bytes, the argument %s has %d: "+
				"tensors are pointers, int is int, int64 is long long, float32 is float", i, k.name, k.sizes[i], a.text(), a.size))
		}
	}
}
