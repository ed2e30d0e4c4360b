package suggest

import "testing"

func TestNearest(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"ttrain", "train"}, {"TRAIN", "train"}, {"evl", "eval"}, {"tarin", "train"}, {"xyz", ""}, {"", ""}, {"t", ""},
	} {
		if got, _ := Nearest(c.name, []string{"train", "eval"}); got != c.want {
			t.Errorf("nearest to %q is %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		a, b string
		d    int
	}{{"", "", 0}, {"kitten", "sitting", 3}, {"abc", "", 3}, {"", "abc", 3}, {"rl", "lr", 1}, {"tniy", "tiny", 1}, {"flaw", "lawn", 2}} {
		if d := distance(c.a, c.b); d != c.d {
			t.Errorf("distance %q %q is %d, want %d", c.a, c.b, d, c.d)
		}
	}
}
