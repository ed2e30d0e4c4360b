// Package shard divides work among machines.
package shard

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
)

// Shard is the K-th of N parts of a run, K from 1: every N-th image. The zero value is
// the whole run.
type Shard struct{ K, N int }

// Parse parses "3/16".
func Parse(text string) (Shard, error) {
	k, n, _ := strings.Cut(text, "/")
	var s Shard
	var errK, errN error
	s.K, errK = strconv.Atoi(k)
	s.N, errN = strconv.Atoi(n)
	if errK != nil || errN != nil || s.K < 1 || s.K > s.N {
		return Shard{}, errors.New("write a shard as 3/16, from 1/16 to 16/16")
	}
	return s, nil
}

// Has reports whether the item with an index is in the shard.
func (s Shard) Has(index int) bool { return s.N == 0 || index%s.N == s.K-1 }

// HasName reports whether the item with a name is in the shard. That depends only on
// the name, so that it stays true when items are added.
func (s Shard) HasName(name string) bool {
	if s.N == 0 {
		return true
	}
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, name) // writing to a hash cannot fail
	x := sum.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd // spreads names that differ only in the last letter, too
	return int((x^x>>33)%uint64(s.N)) == s.K-1
}

// String returns "3/16", or "" for the whole run.
func (s Shard) String() string {
	if s.N == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.K, s.N)
}

// Words returns "shard 3/16" or "the whole run", for messages.
func (s Shard) Words() string {
	if s.N == 0 {
		return "the whole run"
	}
	return "shard " + s.String()
}

// MarshalText returns what Parse parses.
func (s Shard) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses "3/16", or "" for the whole run.
func (s *Shard) UnmarshalText(text []byte) (err error) {
	*s = Shard{}
	if len(text) > 0 {
		*s, err = Parse(string(text))
	}
	return err
}
