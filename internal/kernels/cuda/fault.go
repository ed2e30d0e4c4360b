//go:build cuda

package cuda

import (
	"errors"
	"fmt"
	"strings"

	"clusir/internal/kernels"

	"gorgonia.org/cu"
)

// Fault is an error of a device. Its text names the device, the operation with
// its shapes where there is one, and the driver's word.
type Fault struct {
	Device int
	Doing  string // what was being done: "add_fwd [2,3], [2,3]", "allocating ..."
	Code   error  // gorgonia.org/cu's error
	Lost   bool   // the device cannot be used any more by this process
}

// Error implements error.
func (f *Fault) Error() string {
	s := fmt.Sprintf("cuda:%d: %s: %v", f.Device, f.Doing, f.Code)
	if f.Lost {
		s += "; the device is lost to this process, start it again"
	}
	return s
}

// Unwrap gives the driver's error, and kernels.ErrMemory where that is what it means.
func (f *Fault) Unwrap() []error {
	if errors.Is(f.Code, cu.OutOfMemory) {
		return []error{f.Code, kernels.ErrMemory}
	}
	return []error{f.Code}
}

// losing lists the codes after which a context answers nothing but errors.
var losing = []error{
	cu.EccUncorrectable, cu.NvlinkUncorrectable, cu.IllegalAddress, cu.LaunchTimeout, cu.ContextIsDestroyed,
	cu.Assert, cu.HardwareStackError, cu.IllegalInstruction, cu.MisalignedAddress, cu.InvalidAddressSpace,
	cu.InvalidPc, cu.LaunchFailed, cu.Unknown, result(46),
}

// codeDeviceUnavailable is CUDA_ERROR_DEVICE_UNAVAILABLE, which cu does not
// list: it prints codes that it does not know by number.
const codeDeviceUnavailable = "UnknownErrorCode:46"

func isLosing(err error) bool {
	for _, l := range losing {
		if errors.Is(err, l) {
			return true
		}
	}
	return err.Error() == codeDeviceUnavailable
}

// fail keeps the first fault until Sync takes it. What is queued behind it is
// skipped, since its operands are not what they should be. Worker only.
func (b *Backend) fail(doing string, err error) {
	if err == nil || b.fault != nil {
		return
	}
	b.fault = &Fault{Device: b.index, Doing: doing, Code: err, Lost: isLosing(err)}
}

// failLater is fail for an error that an earlier, asynchronous kernel may have
// caused: the device's progress tells which. Worker only.
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
