package degrade

import (
	"fmt"
	"math"
	"math/rand/v2"

	"clusir/internal/planar"
)

// Pose is the orientation of a camera at one moment: a shift in pixels and a roll in
// radians about the centre of the photograph.
type Pose struct{ DX, DY, Roll float64 }

// Motion is blur by movement during the exposure: the mean of the sharp image seen from
// each pose of a path, similar to the averaged video frames of Nah et al. (Deep
// multi-scale convolutional neural network for dynamic scene deblurring, 2017). The
// middle pose is the target's, at zero.
type Motion struct {
	Camera []Pose
	// Object moves separately, on its own path, where the mask is 1 rather than 0.
	Object []Pose
	Mask   mask
}

// mask selects soft-edged regions: where a smooth random field of Cells cells per side
// is above Level.
type mask struct {
	Cells int
	Level float64
}

// Kernel is blur by convolution with weights that sum to 1, such as the point spread
// function of a measured camera shake. It is the same everywhere in the image.
type Kernel struct {
	W, H    int
	Weights []float32
}

// RandomMotion draws camera shakes (3 in 4) and straight motions over 5 to 32 pixels, a
// third of them with objects that move separately, like GoPro's pairs. BSD's
// photographs, enlarged up to twice, then have 25.5 dB on average in patches of 256²,
// as hard as GoPro's test inputs.
func RandomMotion(rng *rand.Rand) Motion {
	draw := randomShake
	if rng.Float64() < .25 {
		draw = randomLine
	}
	m := Motion{Camera: draw(rng, logUniform(rng, 5, 32))}
	if rng.Float64() < .35 {
		m.Object = draw(rng, logUniform(rng, 3, 30))
		m.Mask = mask{Cells: 4 + rng.IntN(4), Level: uniform(rng, .45, .7)}
	}
	return m
}

// randomLine returns a straight path of the given length in pixels.
func randomLine(rng *rand.Rand, length float64) []Pose {
	sin, cos := math.Sincos(uniform(rng, 0, math.Pi))
	path := make([]Pose, samples(length))
	for i := range path {
		s := (float64(i)/float64(len(path)-1) - .5) * length
		path[i] = Pose{DX: s * cos, DY: s * sin}
	}
	return path
}

// randomShake returns the path of a hand: a random walk whose velocity has inertia
// (Boracchi and Foi, Modeling the performance of image restoration from motion blur,
// 2012), with a little roll, scaled to an extent in pixels.
func randomShake(rng *rand.Rand, extent float64) []Pose {
	path := make([]Pose, samples(1.5*extent))
	inertia := uniform(rng, .8, .98)
	angle := uniform(rng, 0, 2*math.Pi)
	vx, vy, vr := math.Cos(angle), math.Sin(angle), rng.NormFloat64()
	jerk := math.Sqrt(1 - inertia*inertia)
	for i := 1; i < len(path); i++ {
		p := path[i-1]
		path[i] = Pose{p.DX + vx, p.DY + vy, p.Roll + vr}
		vx = inertia*vx + jerk*rng.NormFloat64()
		vy = inertia*vy + jerk*rng.NormFloat64()
		vr = inertia*vr + jerk*rng.NormFloat64()
	}
	roll := normal(rng, 0, .004) * extent / 12
	return scaled(path, extent, roll)
}

// samples returns the number of poses that cover a path without gaps, an odd number so
// that there is a middle.
func samples(length float64) int { return 2*int(math.Ceil(max(length, 2)/2)) + 1 }

// scaled moves the path's middle to zero and scales it to an extent of shift and a
// range of roll.
func scaled(path []Pose, extent, roll float64) []Pose {
	mid := path[len(path)/2]
	far, turn := 1e-9, 1e-9
	for i, p := range path {
		path[i] = Pose{p.DX - mid.DX, p.DY - mid.DY, p.Roll - mid.Roll}
		far = max(far, math.Hypot(path[i].DX, path[i].DY))
		turn = max(turn, math.Abs(path[i].Roll))
	}
	for i, p := range path {
		path[i] = Pose{p.DX * extent / 2 / far, p.DY * extent / 2 / far, p.Roll * roll / turn}
	}
	return path
}

// Apply blurs the image.
func (b Motion) Apply(m *Image, rng *rand.Rand) *Image {
	out := average(m, b.Camera)
	if b.Object == nil {
		return out
	}
	moving := average(m, b.Object)
	mask := newField(rng, b.Mask.Cells).fill(m)
	for c := range 3 {
		dst, src := out.Plane(c), moving.Plane(c)
		for i := range dst {
			// 1 above the level, 0 below, with a transition over a tenth of the field's
			// range.
			w := float32(min(max((float64(mask[i])-b.Mask.Level)*10+.5, 0), 1))
			dst[i] += w * (src[i] - dst[i])
		}
	}
	return out
}

// average returns the mean of the image seen from all poses.
func average(m *Image, path []Pose) *Image {
	out := m.like()
	scale := 1 / float32(len(path))
	cx, cy := float64(m.FullW)/2-float64(m.X), float64(m.FullH)/2-float64(m.Y)
	for _, p := range path {
		sin, cos := math.Sincos(p.Roll)
		for y := range m.H {
			dy := float64(y) - cy
			sx, sy := cx-cx*cos-dy*sin+p.DX, cy-cx*sin+dy*cos+p.DY
			for x := range m.W {
				out.addSample(y*m.W+x, m, sx, sy, scale)
				sx, sy = sx+cos, sy+sin
			}
		}
	}
	return out.Clamp()
}

// addSample adds w times src's colour at (x, y), interpolated bilinearly and mirrored
// at the edges, to pixel i.
func (m *Image) addSample(i int, src *Image, x, y float64, w float32) {
	x0, x1, ax := neighbours(x, src.W)
	y0, y1, ay := neighbours(y, src.H)
	a, b, c, d := y0*src.W+x0, y0*src.W+x1, y1*src.W+x0, y1*src.W+x1
	wa, wb, wc, wd := w*(1-ax)*(1-ay), w*ax*(1-ay), w*(1-ax)*ay, w*ax*ay
	for n, k := src.W*src.H, 0; k < 3; k++ {
		m.Pix[i+k*n] += wa*src.Pix[a+k*n] + wb*src.Pix[b+k*n] + wc*src.Pix[c+k*n] + wd*src.Pix[d+k*n]
	}
}

func (b Motion) String() string {
	s := fmt.Sprintf("motion %.0f px", reach(b.Camera))
	if b.Object != nil {
		s += fmt.Sprintf(", objects %.0f px", reach(b.Object))
	}
	return s
}

// reach returns the path's largest extent along an axis.
func reach(path []Pose) float64 {
	lo, hi := Pose{}, Pose{}
	for _, p := range path {
		lo.DX, hi.DX = min(lo.DX, p.DX), max(hi.DX, p.DX)
		lo.DY, hi.DY = min(lo.DY, p.DY), max(hi.DY, p.DY)
	}
	return math.Hypot(hi.DX-lo.DX, hi.DY-lo.DY)
}

// Apply convolves the image with the kernel, mirrored at the edges.
func (k Kernel) Apply(m *Image, _ *rand.Rand) *Image {
	out := m.like()
	for c := range 3 {
		src, dst := m.Plane(c), out.Plane(c)
		for j := range k.H {
			for i := range k.W {
				if w := k.Weights[j*k.W+i]; w != 0 {
					addShifted(dst, src, m.W, m.H, k.W/2-i, k.H/2-j, w)
				}
			}
		}
	}
	return out.Clamp()
}

// addShifted adds w·src(x+dx, y+dy) to every pixel of dst.
func addShifted(dst, src []float32, width, height, dx, dy int, w float32) {
	lo, hi := min(max(0, -dx), width), max(min(width, width-dx), 0)
	for y := range height {
		row, out := src[planar.Reflect(y+dy, height)*width:][:width], dst[y*width:][:width]
		for x := range lo {
			out[x] += w * row[planar.Reflect(x+dx, width)]
		}
		for x := lo; x < hi; x++ {
			out[x] += w * row[x+dx]
		}
		for x := max(lo, hi); x < width; x++ {
			out[x] += w * row[planar.Reflect(x+dx, width)]
		}
	}
}

func (k Kernel) String() string { return fmt.Sprintf("kernel %d×%d", k.W, k.H) }

// Turned returns the kernel turned by an angle in radians and scaled, as another shake
// of the same hand might look.
func (k Kernel) Turned(angle, scale float64) Kernel {
	n := int(math.Ceil(math.Hypot(float64(k.W), float64(k.H))*scale))/2*2 + 3
	out := Kernel{n, n, make([]float32, n*n)}
	padded := make([]float32, (k.W+2)*(k.H+2)) // a border of zeros, so that nothing is mirrored
	for y := range k.H {
		copy(padded[(y+1)*(k.W+2)+1:], k.Weights[y*k.W:][:k.W])
	}
	sin, cos := math.Sincos(angle)
	sum := float32(0)
	for y := range n {
		for x := range n {
			dx, dy := float64(x-n/2)/scale, float64(y-n/2)/scale
			sx, sy := dx*cos-dy*sin+float64(k.W/2)+1, dx*sin+dy*cos+float64(k.H/2)+1
			if sx < 0 || sy < 0 || sx > float64(k.W+1) || sy > float64(k.H+1) {
				continue
			}
			v := bilinear(padded, k.W+2, k.H+2, sx, sy)
			out.Weights[y*n+x] = v
			sum += v
		}
	}
	for i := range out.Weights {
		out.Weights[i] /= sum
	}
	return out
}
