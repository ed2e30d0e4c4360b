package dataset

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/dustin/go-humanize"

	"clusir/internal/imageio"
	"clusir/internal/sysmem"
)

// room divides the free memory among pictures that are decoded in parallel: the memory
// reserved for one is not available to the others.
type room struct {
	free func() int64 // in bytes; 0 if unknown

	mu    sync.Mutex
	less  sync.Cond // used has decreased
	used  int64     // in bytes, reserved for pictures that are being decoded
	count int       // their number
}

// decoding is the room for everything that ReadImage decodes.
var decoding = newRoom(sysmem.Available)

func newRoom(free func() int64) *room {
	r := &room{free: free}
	r.less.L = &r.mu
	return r
}

// take waits for and reserves the memory to read a picture, to be returned by release.
// A picture that does not fit by itself is refused by its header.
func (r *room) take(path string) (int64, error) {
	p, err := imageio.ProbeFile(path, imageio.Limits{})
	if err != nil {
		return 0, unreadable(err)
	}
	n := readBytes(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		left, fits := r.fits(n)
		if fits {
			r.used, r.count = r.used+n, r.count+1
			return n, nil
		}
		if r.count == 0 {
			return 0, fmt.Errorf("%s is %d×%d: reading it takes about %s, and %s are free; cut it into pieces or remove it, or for training list it under train.exclude",
				path, p.W, p.H, humanize.Bytes(uint64(n)), humanize.Bytes(uint64(left)))
		}
		r.less.Wait()
	}
}

// fits reports whether n bytes are free, and how many are. It does not ask the system
// about small amounts.
func (r *room) fits(n int64) (left int64, ok bool) {
	const little = 64 << 20
	if n+r.used <= little {
		return 0, true
	}
	free := r.free()
	if free > 0 && n > free-r.used && r.count == 0 {
		debug.FreeOSMemory() // memory of earlier pictures may not have been returned to the system
		free = r.free()
	}
	return free - r.used, free <= 0 || n <= free-r.used
}

func (r *room) release(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used, r.count = r.used-n, r.count-1
	r.less.Broadcast()
}
