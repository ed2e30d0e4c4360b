package sysmem

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// Allow returns what --max-memory allows, or if that is 0, a share of what is free. A
// user's limit on the process must not be exceeded, because Go then ends without a
// comprehensible message.
func Allow(asked int64, share float64) (int64, error) {
	if asked == 0 {
		return int64(share * float64(Available())), nil
	}
	if left, ok := userLimit(); ok && left < asked {
		return 0, fmt.Errorf("--max-memory allows %s, and the user's limit (ulimit -v or -d) leaves %s: raise that, or allow less",
			humanize.Bytes(uint64(asked)), humanize.Bytes(uint64(left)))
	}
	return asked, nil
}
