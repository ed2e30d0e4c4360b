package dataset

import "sync"

// cache keeps decoded images up to a memory limit, and never evicts one. An epoch shows
// all images in a new random order; then eviction only costs, since an evicted image is
// as likely to be next as a kept one.
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

// get returns the decoded file. Concurrent callers for the same file wait for one
// decoding. The image is shared and must not be modified.
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

// settle keeps the entry if it fits and drops it otherwise.
func (c *cache) settle(path string, e *cacheEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.err == nil && c.used+int64(len(e.m.Pix)) <= c.limit {
		c.used += int64(len(e.m.Pix))
		return
	}
	delete(c.entries, path)
}
