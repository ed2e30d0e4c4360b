package restore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"clusir/internal/imageio"
	"clusir/internal/infer"
	"clusir/internal/infer/infertest"
	"clusir/internal/kernels"
	"clusir/internal/testnet"
)

// scarce is a device with a limit on the number of elements of a tensor.
type scarce struct {
	kernels.Backend
	limit int
}

func (s scarce) Alloc(shape ...int) kernels.Tensor {
	if n := kernels.Shape(shape).Len(); n > s.limit {
		panic(fmt.Errorf("allocating %v: %w", shape, kernels.ErrMemory))
	}
	return s.Backend.Alloc(shape...)
}

// TestShrink: a device without the memory for a tile gets smaller ones, with the same
// routes, and the picture equals that of such tiles; a note tells the user.
func TestShrink(t *testing.T) {
	n, dir := stir(infertest.New(t, testnet.Small(), 1), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 420, H: 420})
	largest := func(side int) int { return n.Model.Config.Dim * side * side }
	for _, c := range []struct {
		name  string
		tile  int
		limit int
		notes int
		end   int // the tiles that fit, 0 for one; -1 if each tile is cut separately
	}{
		{"enough", TileWhole, 1 << 40, 0, TileWhole},
		{"whole", TileWhole, largest(260), 1, 384},
		{"samples", TileWhole, largest(180), 2, 192},
		{"tiles", 256, largest(200), 1, -1},
		{"parts of parts", TileWhole, largest(130), 3, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Job{In: in, Out: filepath.Join(dir, c.name+".png"), Format: imageio.PNG, Map: filepath.Join(dir, c.name+"-map.png")}
			short := infer.New(n.Model, scarce{n.Tape().B, c.limit})
			got := one(t, short, j, Options{Choices: Choices{Tile: c.tile}})
			var notes []string
			for _, note := range got.Notes {
				if strings.HasPrefix(note, "out of memory with ") {
					notes = append(notes, note)
				}
			}
			if len(notes) != c.notes {
				t.Errorf("%d notes, want %d: %q", len(notes), c.notes, got.Notes)
			}
			if len(got.Routing) == 0 {
				t.Error("no routing")
			}
			if c.end < 0 {
				return
			}
			_, want, _ := load(t, one(t, n, Job{In: in, Out: filepath.Join(dir, "want.png"), Format: imageio.PNG}, Options{Choices: Choices{Tile: c.end}}).Out)
			_, rgb, _ := load(t, got.Out)
			if d := farthest(t, rgb, want); d > 0.01 {
				t.Errorf("off by %g from what tiles of %d make", d, c.end)
			}
		})
	}
}

// TestNothingFits: the error says what to do.
func TestNothingFits(t *testing.T) {
	n, dir := infertest.New(t, testnet.Small(), 1), t.TempDir()
	in := save(t, dir, "in.png", imageio.Info{W: 300, H: 300})
	for device, remedy := range map[int64]string{0: "close other programs", 1 << 40: "use --device cpu"} {
		var got Result
		_, err := Run(context.Background(), infer.New(n.Model, scarce{n.Tape().B, 1000}), slices.Values([]Job{{In: in, Out: filepath.Join(dir, "out.png"), Format: imageio.PNG}}),
			Options{Choices: Choices{Strength: 1}, DeviceMemory: device, Done: func(r Result) { got = r }})
		if err != nil || !errors.Is(got.Err, kernels.ErrMemory) || !strings.Contains(got.Err.Error(), "not even tiles of 128 pixels fit: "+remedy) {
			t.Errorf("%v, %v", err, got.Err)
		}
	}
}

// TestDeviceMemory: a device's own memory limits the tile, and the host's does not.
func TestDeviceMemory(t *testing.T) {
	p := planner{config: testnet.Small(), padded: func(n int) int { return n }, limit: 1 << 40}
	s := subject{Probe: imageio.Probe{W: 1024, H: 1024, Bytes: 1 << 20}}
	whole, err := p.choose(s, TileAuto)
	if err != nil || whole.tiles() != 1 {
		t.Fatalf("%d tiles, %v", whole.tiles(), err)
	}
	p.device = (whole.need() - whole.host) / 2
	half, err := p.choose(s, TileAuto)
	if err != nil || half.tiles() == 1 || half.need() != half.host || half.device > p.device {
		t.Errorf("%d tiles, %d of %d bytes, %v", half.tiles(), half.device, p.device, err)
	}
	p.device = 1
	if smallest, err := p.choose(s, TileAuto); err != nil || smallest.side != minTile {
		t.Errorf("tiles of %d, %v", smallest.side, err)
	}
}
