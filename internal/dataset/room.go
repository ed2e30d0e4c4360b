package dataset

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/dustin/go-humanize"

	"clusir/internal/imageio"
	"clusir/internal/sysmem"
)

// room shares out the memory that is free among pictures that are decoded side by
// side: each sees as free what the others are about to take.
type room struct {
	free func() int64 // bytes; 0 if that is not known

	mu    sync.Mutex
	less  sync.Cond // used has become less
	used  int64     // bytes, promised to those that are being decoded
	count int       // of them
}

// decoding is the room of all that ReadImage decodes.
var decoding = newRoom(sysmem.Available)

func newRoom(free func() int64) *room {
	r := &room{free: free}
	r.less.L = &r.mu
	return r
}

// take waits for the memory that reading a picture takes, to be given back by
// release. A picture that does not fit by itself is refused by its header.
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
			return 0, fmt.Errorf("%s is %d×%d: reading it takes about %s, and %s are free; leave it out with an exclusion list, or cut it into pieces",
				path, p.W, p.H, humanize.Bytes(uint64(n)), humanize.Bytes(uint64(left)))
		}
		r.less.Wait()
	}
}

// fits tells whether n bytes are left, and how many are. The system is not asked
// for little.
func (r *room) fits(n int64) (left int64, ok bool) {
	const little = 64 << 20
	if n+r.used <= little {
		return 0, true
	}
	free := r.free()
	if free > 0 && n > free-r.used && r.count == 0 {
		debug.FreeOSMemory() // what was decoded before may not have been given back
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
