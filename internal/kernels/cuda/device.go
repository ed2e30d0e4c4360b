//go:build cuda

package cuda

import (
	"errors"
	"fmt"

	"gorgonia.org/cu"
)

// Devices lists the devices, none if the driver finds none. If there is no driver, the
// error is ErrNoDevice.
func Devices() ([]Info, error) {
	if err := openDriver(); err != nil {
		return nil, err
	}
	version := cu.Version() // 1000·major + 10·minor of the newest CUDA release that the driver supports
	if version <= 0 {
		return nil, errors.New("the CUDA driver does not say its version")
	}
	n, err := cu.NumDevices()
	if err != nil {
		return nil, fmt.Errorf("counting the CUDA devices: %w", err)
	}
	var infos []Info
	for i := range n {
		info, err := describe(i)
		if err != nil {
			return nil, fmt.Errorf("cuda:%d: asking what it is: %w", i, err)
		}
		info.Driver = fmt.Sprintf("%d.%d", version/1000, version%1000/10)
		infos = append(infos, info)
	}
	return infos, nil
}

func describe(i int) (Info, error) {
	d, err := cu.GetDevice(i)
	if err != nil {
		return Info{}, err
	}
	name, err1 := d.Name()
	memory, err2 := d.TotalMem()
	major, err3 := d.Attribute(cu.ComputeCapabilityMajor)
	minor, err4 := d.Attribute(cu.ComputeCapabilityMinor)
	return Info{Index: i, Name: name, Memory: memory, Major: major, Minor: minor}, errors.Join(err1, err2, err3, err4)
}

// checkDevice finds device i and returns an error if this binary's kernels cannot run
// on it.
func checkDevice(i int) (Info, error) {
	infos, err := Devices()
	if err != nil {
		return Info{}, fmt.Errorf("cuda:%d: %w", i, err)
	}
	if i < 0 || i >= len(infos) {
		return Info{}, fmt.Errorf("cuda:%d: %w: there are %d; `clusir bench --devices` lists them", i, ErrNoDevice, len(infos))
	}
	info := infos[i]
	if info.Major < 8 {
		return info, fmt.Errorf("cuda:%d: %s has compute capability %d.%d; the kernels need 8.0 or later, use --device cpu",
			i, info.Name, info.Major, info.Minor)
	}
	if err := checkRelease(info.Driver, toolkitRelease()); err != nil {
		return info, fmt.Errorf("cuda:%d: %w", i, err)
	}
	return info, nil
}

// checkRelease compares the CUDA releases of the driver and of the compiler. A driver
// runs machine code of any release with its own major number.
func checkRelease(driver, compiler string) error {
	var d, c, minor int
	if _, err := fmt.Sscanf(driver, "%d.%d", &d, &minor); err != nil {
		return fmt.Errorf("the driver's CUDA release %q is not a version", driver)
	}
	if _, err := fmt.Sscanf(compiler, "%d.%d", &c, &minor); err != nil {
		return fmt.Errorf("the kernels' CUDA release %q is not a version; build again with `make cuda`", compiler)
	}
	if d < c {
		return fmt.Errorf("the driver serves CUDA %s, but the kernels were compiled by CUDA %s: "+
			"install a driver for CUDA %d, or build for this one by `make cuda CUDA_RELEASE=%d`", driver, compiler, c, d)
	}
	return nil
}
