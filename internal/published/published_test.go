package published

import "testing"

func TestFind(t *testing.T) {
	r, ok := Find("three-task", "ClusIR", "cbsd68-25")
	if !ok || r.PSNR != 31.45 || r.SSIM != 0.897 || r.Table != "1" {
		t.Errorf("got %+v, %v", r, ok)
	}
	if r, ok := Find("one-by-one", "ClusIR", "kodak24-50"); !ok || r.SSIM != 0 {
		t.Errorf("got %+v, %v; want a row without SSIM", r, ok)
	}
	if r, ok := Find("three-task", "ClusIR", "nowhere"); ok {
		t.Errorf("got %+v for a benchmark that is in no table", r)
	}
}

func TestParseRejects(t *testing.T) {
	for _, text := range []string{"h\n1\tx", "t\ts\tm\tv\tb\tp\ts\n1\tx\ty\tz\tb\tnot a number\t1"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
