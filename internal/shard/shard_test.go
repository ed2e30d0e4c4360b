package shard

import (
	"fmt"
	"testing"
)

func TestParse(t *testing.T) {
	for _, text := range []string{"", "3", "0/2", "3/2", "-1/2", "a/b", "1/2/3", "1/0"} {
		if s, err := Parse(text); err == nil {
			t.Errorf("%q is read as %v", text, s)
		}
	}
	s, err := Parse("3/16")
	if err != nil || s != (Shard{3, 16}) || s.String() != "3/16" || s.Words() != "shard 3/16" || !s.Has(18) {
		t.Errorf("%v, %v", s, err)
	}
	text, _ := s.MarshalText()
	var back Shard
	if err := back.UnmarshalText(text); err != nil || back != s {
		t.Errorf("%q is read as %v, %v", text, back, err)
	}
	if err := back.UnmarshalText(nil); err != nil || back != (Shard{}) || back.String() != "" || back.Words() != "the whole run" {
		t.Errorf("no text is read as %v, %v", back, err)
	}
}

// TestEachOnce: every index and name is in exactly one shard of N, and no shard gets
// much more than its part.
func TestEachOnce(t *testing.T) {
	const items, shards = 16000, 16
	var count [shards]int
	for i := range items {
		name, byIndex, byName := fmt.Sprintf("photos/IMG_%05d.jpg", i), 0, 0
		for k := range shards {
			s := Shard{k + 1, shards}
			if s.Has(i) {
				byIndex++
			}
			if s.HasName(name) {
				byName++
				count[k]++
			}
		}
		if byIndex != 1 || byName != 1 {
			t.Fatalf("%s is in %d shards by its index and in %d by its name", name, byIndex, byName)
		}
	}
	for k, n := range count {
		if n < 850 || n > 1150 {
			t.Errorf("shard %d has %d of %d names", k+1, n, items)
		}
	}
	if !(Shard{}).Has(7) || !(Shard{}).HasName("x") {
		t.Error("the zero value is not all")
	}
}
