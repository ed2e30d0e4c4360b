package dataset

import "sync"

// cache keeps decoded images up to a limit of memory: first come, first kept.
// An epoch shows every image in a new random order, and under such an order
// evicting old images for new ones only costs: what was evicted is as likely to
// be next as what is kept.
type cache struct {
	limit int64
	read  func(path string) (*Image, error)

	mu      sync.Mutex
	used    int64
	entries map[string]*cacheEntry
}

type cacheEntry struct {
	once sync.Once
	m    *Image
	err  error
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, read: ReadImage, entries: map[string]*cacheEntry{}}
}

// get returns the decoded file. Callers that ask for it at the same time wait
// for one decoding. The image is shared and must not be written to.
func (c *cache) get(path string) (*Image, error) {
	c.mu.Lock()
	e := c.entries[path]
	if e == nil {
		e = &cacheEntry{}
		c.entries[path] = e
	}
	c.mu.Unlock()
	e.once.Do(func() {
		e.m, e.err = c.read(path)
		c.settle(path, e)
	})
	return e.m, e.err
}

// settle keeps the entry if it fits, and forgets it otherwise.
func (c *cache) settle(path string, e *cacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.err == nil && c.used+int64(len(e.m.Pix)) <= c.limit {
		c.used += int64(len(e.m.Pix))
		return
	}
	delete(c.entries, path)
}
