package imageio

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
)

// maxMetadata bounds one piece of metadata, inflated or not, and all of a picture's
// unless its reader's limit is lower: 64 MiB.
const maxMetadata = 64 << 20

// meter counts the memory of a picture's metadata, piece by piece, so that what exceeds
// the limit can be left out. A file of 100 kB can inflate to 64 MiB, and one of 24 MB
// can hold two million empty texts.
type meter struct {
	limit, used int64
	dropped     bool
}

func (l Limits) meter() *meter {
	return &meter{limit: min(cmp.Or(l.MaxMetadata, maxMetadata), maxMetadata)}
}

// room returns how many bytes are left.
func (m *meter) room() int64 { return max(m.limit-m.used, 0) }

// take reserves n bytes for a piece, or records that there is no room.
func (m *meter) take(n int64) bool {
	const overhead = 128 // what a piece takes in addition to its bytes
	if n > m.room()-overhead {
		m.dropped = true
		return false
	}
	m.used += n + overhead
	return true
}

// notes reports what was left out.
func (m *meter) notes() []string {
	if !m.dropped {
		return nil
	}
	return []string{fmt.Sprintf("metadata beyond the limit of %d KiB were dropped", m.limit>>10)}
}

// readExactly reads n bytes. Since a file of a few bytes may claim any number, it
// allocates large ones as they are read.
func readExactly(r io.Reader, n int64) ([]byte, error) {
	const trusted = 1 << 16
	if n <= trusted {
		b := make([]byte, n)
		_, err := io.ReadFull(r, b)
		return b, err
	}
	var b bytes.Buffer
	_, err := io.CopyN(&b, r, n)
	return b.Bytes(), err
}
