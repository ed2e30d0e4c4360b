package eval

import (
	"fmt"
	"strconv"
	"strings"
)

// Shard is the K-th of N parts of a run, K from 1: every N-th image. The zero
// value is all of it.
type Shard struct{ K, N int }

// ParseShard reads "3/16".
func ParseShard(text string) (Shard, error) {
	k, n, _ := strings.Cut(text, "/")
	var s Shard
	var errK, errN error
	s.K, errK = strconv.Atoi(k)
	s.N, errN = strconv.Atoi(n)
	if errK != nil || errN != nil || s.K < 1 || s.K > s.N {
		return Shard{}, fmt.Errorf("shard %q: write it as 3/16, from 1/16 to 16/16", text)
	}
	return s, nil
}

// has tells whether the image at an index is in the shard.
func (s Shard) has(index int) bool { return s.N == 0 || index%s.N == s.K-1 }

// String is "3/16", or "" for all.
func (s Shard) String() string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// MarshalText writes what ParseShard reads.
func (s Shard) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "3/16", or "" for all.
func (s *Shard) UnmarshalText(text []byte) (err error) {
	*s = Shard{}
	if len(text) > 0 {
		*s, err = ParseShard(string(text))
	}
	return err
}
