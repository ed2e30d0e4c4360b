package imageio

import (
	"bytes"
	"fmt"
	"io"
)

// maxMetadata bounds one piece of metadata, inflated or not, and all of a
// picture's unless its reader's limit is lower: 64 MiB.
const maxMetadata = 64 << 20

// meter counts the memory that a picture's metadata take, piece by piece, so
// that what a limit has no room for is left out. A file of 100 kB can unfold into
// 64 MiB, and one of 24 MB can hold two million empty texts.
type meter struct {
	limit, used int64
	dropped     bool
}

func (l Limits) meter() *meter {
	if l.MaxMetadata == 0 {
		return &meter{limit: maxMetadata}
	}
	return &meter{limit: min(l.MaxMetadata, maxMetadata)}
}

// room is how many bytes may still be taken.
func (m *meter) room() int64 { return max(m.limit-m.used, 0) }

// take asks for room for a piece of n bytes, and notes if there is none.
func (m *meter) take(n int64) bool {
	const overhead = 128 // what a piece takes besides its bytes
	if n > m.room()-overhead {
		m.dropped = true
		return false
	}
	m.used += n + overhead
	return true
}

// notes says what was left out.
func (m *meter) notes() []string {
	if !m.dropped {
		return nil
	}
	return []string{fmt.Sprintf("metadata beyond the limit of %d KiB were dropped", m.limit>>10)}
}

// readExactly reads n bytes. A file of a few bytes may claim any number, so that
// large ones are made room for as they come.
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
