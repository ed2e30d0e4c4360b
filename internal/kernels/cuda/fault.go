//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// Fault is an error of a device. Its text names the device, the operation with its
// shapes if there is one, and the driver's error.
type Fault struct {
	Device int
	Doing  string // the operation: "add_fwd [2,3], [2,3]", "allocating ..."
	Code   error  // gorgonia.org/cu's error
	Lost   bool   // this process cannot use the device any more
}

// Error implements error.
func (f *Fault) Error() string {
	s := fmt.Sprintf("cuda:%d: %s: %v", f.Device, f.Doing, f.Code)
	if f.Lost {
		s += "; the device is lost to this process, start it again"
	}
	return s
}

// Unwrap returns the driver's error, and also kernels.ErrMemory if that is what it
// means.
func (f *Fault) Unwrap() []error {
	if errors.Is(f.Code, cu.OutOfMemory) {
		return []error{f.Code, kernels.ErrMemory}
	}
	return []error{f.Code}
}

// losing lists the codes after which a context only returns errors.
var losing = []error{
	cu.EccUncorrectable, cu.NvlinkUncorrectable, cu.IllegalAddress, cu.LaunchTimeout, cu.ContextIsDestroyed,
	cu.Assert, cu.HardwareStackError, cu.IllegalInstruction, cu.MisalignedAddress, cu.InvalidAddressSpace,
	cu.InvalidPc, cu.LaunchFailed, cu.Unknown, deviceUnavailable,
}

func isLosing(err error) bool {
	return slices.ContainsFunc(losing, func(l error) bool { return errors.Is(err, l) })
}

// fail keeps the first fault until Sync returns it. Everything queued after it is
// skipped, since its operands are invalid. Worker only.
func (b *Backend) fail(doing string, err error) {
	if err == nil || b.fault != nil {
		return
	}
	b.fault = &Fault{Device: b.index, Doing: doing, Code: err, Lost: isLosing(err)}
}

// failLater is fail for an error that an earlier, asynchronous kernel may have caused:
// the device's progress tells which. Worker only.
func (b *Backend) failLater(doing string, err error) {
	if err == nil || b.fault != nil {
		return
	}
	if !isLosing(err) {
		b.fail(doing, err)
		return
	}
	if suspects := b.trail.unfinished(); len(suspects) > 0 {
		doing = "in " + strings.Join(suspects, " or in ")
	}
	b.fail(doing, err)
}
