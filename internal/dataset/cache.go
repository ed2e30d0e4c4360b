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
	entries map[string]func() (*Image, error)
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, read: ReadImage, entries: map[string]func() (*Image, error){}}
}

// get returns the decoded file. Concurrent callers for the same file wait for one
// decoding. The image is shared and must not be modified.
func (c *cache) get(path string) (*Image, error) {
	c.mu.Lock()
	read := c.entries[path]
	if read == nil {
		read = sync.OnceValues(func() (*Image, error) {
			m, err := c.read(path)
			c.settle(path, m, err)
			return m, err
		})
		c.entries[path] = read
	}
	c.mu.Unlock()
	return read()
}

// settle keeps the entry if it fits and drops it otherwise.
func (c *cache) settle(path string, m *Image, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.used+int64(len(m.Pix)) <= c.limit {
		c.used += int64(len(m.Pix))
		return
	}
	delete(c.entries, path)
}
