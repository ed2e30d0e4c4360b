package bench

import (
	"context"
	"strings"
	"testing"

	"clusir/internal/arch"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/testnet"
)

// TestRefusesByMemory: what does not fit is refused before anything is allocated, and
// the error names a setting that does fit.
func TestRefusesByMemory(t *testing.T) {
	const huge = 1 << 60
	for name, c := range map[string]struct {
		change func(*Options)
		own    int64 // of the device; 0 for none
		want   string
	}{
		"batch":                 {func(o *Options) { o.Batch = 1 << 40 }, 0, "--size 256 with --batch 1099511627776 takes about"},
		"largest batch":         {func(o *Options) { o.Batch = huge }, 0, "--batch "},
		"training":              {func(o *Options) { o.Train, o.Batch = true, 1<<50 }, 0, "--train "},
		"size":                  {func(o *Options) { o.Sizes = []Size{{maxSide, maxSide}} }, 0, "--size "},
		"narrow size":           {func(o *Options) { o.Sizes = []Size{{maxSide, 4096}} }, 0, "--size "},
		"size in training":      {func(o *Options) { o.Train, o.Batch, o.Sizes = true, 2, []Size{{maxSide, maxSide}} }, 0, "with --train 2 fits"},
		"memory of the device":  {func(o *Options) { o.Sizes, o.Batch, o.Memory = []Size{{2048, 2048}}, 3, huge }, 8 << 30, "8.0 GiB are free: --batch "},
		"images of the machine": {func(o *Options) { o.Batch = 1 << 30 }, huge, "2.0 GiB are free: --batch "},
		"model":                 {func(o *Options) { o.Memory = 1 << 20 }, 0, "choose a smaller model"},
	} {
		o := options()
		o.Sizes, o.Objective, o.Memory = []Size{{256, 256}}, model.DefaultObjective(), 2<<30
		o.Subject = Subject{Name: "base", Config: arch.Base()}
		c.change(&o)
		o.Open = func(threads int) (kernels.Backend, string, error) {
			b, name, err := open(threads)
			if c.own > 0 {
				b = testnet.Card{Backend: b, Total: c.own}
			}
			return b, name, err
		}
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestFittingFits: a setting that a refusal names is not refused.
func TestFittingFits(t *testing.T) {
	b, _, err := open(1)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	o := options()
	o.Subject, o.Objective, o.Memory = Subject{Name: "base", Config: arch.Base()}, model.DefaultObjective(), 4<<30
	for _, o.Train = range []bool{false, true} {
		o.Batch = 1000
		flag, text, _ := strings.Cut(strings.TrimSuffix(o.fitting(Size{256, 256}, b), " fits"), " ")
		if n, err := parseSize(text); err != nil || flag != map[bool]string{false: "--batch", true: "--train"}[o.Train] {
			t.Errorf("%s %s: %v", flag, text, err)
		} else if o.Batch = n.W; o.checkMemory(Size{256, 256}, b) != nil {
			t.Errorf("a batch of %d: %v", n.W, o.checkMemory(Size{256, 256}, b))
		} else if o.Batch++; o.checkMemory(Size{256, 256}, b) == nil {
			t.Errorf("a batch of %d would fit, too", o.Batch)
		}
	}
}
