package sysmem

import "testing"

func TestLargest(t *testing.T) {
	for _, c := range []struct{ low, high, limit, want int }{
		{1, 10, 4, 4}, {1, 10, 10, 10}, {1, 10, 99, 10}, {1, 10, 0, 0}, {3, 10, 2, 2}, {3, 3, 3, 3}, {3, 1, 9, 2}, {-2, 2, 0, 0},
	} {
		if got := Largest(c.low, c.high, func(n int) bool { return n <= c.limit }); got != c.want {
			t.Errorf("of %d to %d with room for %d: %d, want %d", c.low, c.high, c.limit, got, c.want)
		}
	}
}
