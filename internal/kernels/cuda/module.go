//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"gorgonia.org/cu"
)

// toolkitRelease returns the CUDA release of the kernels, such as 13.0.
func toolkitRelease() string {
	text, err := images.ReadFile(imageFolder + "/release")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	return strings.TrimSpace(string(text))
}

// imagesFor returns, from the files of an image folder, one for each family that a
// device of that compute capability can load: a fatbin, from which the driver chooses;
// else the newest machine code that it runs, which is of its major number; else PTX,
// for the driver to compile.
func imagesFor(files []string, major, minor int) map[string]string {
	chosen, rank := map[string]string{}, map[string]int{}
	for _, file := range files {
		family, form, _ := strings.Cut(path.Base(file), ".")
		r := 0
		var code int
		switch {
		case form == "fatbin", strings.HasSuffix(form, ".ptx"):
			r = 1
		case strings.HasSuffix(form, ".cubin"):
			if _, err := fmt.Sscanf(form, "sm_%d.", &code); err == nil && code/10 == major && code%10 <= minor {
				r = 2 + code%10
			}
		}
		if r > rank[family] {
			chosen[family], rank[family] = file, r
		}
	}
	return chosen
}

// loadModules loads every family. Worker only.
func loadModules(device Info) ([]cu.Module, error) {
	files, err := fs.Glob(images, imageFolder+"/*.*")
	if err != nil {
		return nil, err
	}
	chosen := imagesFor(files, device.Major, device.Minor)
	var modules []cu.Module
	for _, family := range slices.Sorted(maps.Keys(chosen)) {
		name := chosen[family]
		image, err := images.ReadFile(name)
		if err != nil {
			return modules, err
		}
		m, err := loadData(image)
		if err != nil {
			return modules, fmt.Errorf("loading %s, compiled by CUDA %s, by a driver for CUDA %s: %w", name, toolkitRelease(), device.Driver, err)
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
	threads int   // per block: its __launch_bounds__
	shared  int   // bytes of dynamic shared memory it may use
}

// kernel returns the kernel with that name, which it looks up once.
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

// find fills in k. An error other than NotFound is kept for Sync. Worker only.
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

// check panics if arguments do not match the kernel's parameters.
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
