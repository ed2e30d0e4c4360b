// Package shard divides work among machines.
package shard

import (
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
)

// Shard is the K-th of N parts of a run, K from 1: every N-th image. The zero
// value is all of it.
type Shard struct{ K, N int }

// Parse reads "3/16".
func Parse(text string) (Shard, error) {
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

// Has tells whether what stands at an index is in the shard.
func (s Shard) Has(index int) bool { return s.N == 0 || index%s.N == s.K-1 }

// HasName tells whether what has a name is in the shard. That depends on nothing else,
// so that it stays there when there is more.
func (s Shard) HasName(name string) bool {
	if s.N == 0 {
		return true
	}
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, name) // a hash takes everything
	x := sum.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd // names that differ in the last letter alone spread, too
	return int((x^x>>33)%uint64(s.N)) == s.K-1
}

// String is "3/16", or "" for all.
func (s Shard) String() string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// MarshalText writes what Parse reads.
func (s Shard) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads "3/16", or "" for all.
func (s *Shard) UnmarshalText(text []byte) (err error) {
	*s = Shard{}
	if len(text) > 0 {
		*s, err = Parse(string(text))
	}
	return err
}
