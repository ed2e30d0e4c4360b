package report

import (
	"bytes"
	"context"
	"encoding/base64"
	"html/template"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"

	"clusir/internal/eval"
	"clusir/internal/planar"
)

// The sizes of pictures in the page: a thousand images stay below 20 MB.
const (
	thumbSide    = 88
	thumbQuality = 72
	largeSide    = 960
	largeBytes   = 9 << 20 // of all large pictures, before base64 adds a third
	largestBytes = 220 << 10
	pictures     = 3 // of an image that is shown large
)

// Gallery collects the pictures of a page.
type Gallery struct {
	thumbs map[int][]byte
	large  map[int]large
	budget int // bytes of a large picture
}

// large holds an image's degraded, restored and clean pictures, as JPEG.
type large struct {
	files [pictures][]byte
	w, h  int
}

// NewGallery returns an empty gallery.
func NewGallery() *Gallery { return &Gallery{thumbs: map[int][]byte{}, large: map[int]large{}} }

// expect says how many images will be shown large, which bounds their files.
func (g *Gallery) expect(images int) {
	g.budget = min(largeBytes/(pictures*max(images, 1)), largestBytes)
}

// Source is what a report is about.
type Source struct {
	eval.Subject
	// Index maps its numbers of images to the report's; nil if they are the same.
	Index map[int]int
}

// AddShown adds the images that results' page shows large. They are measured again: which
// they are is known only after a run, and one that was resumed never saw most of them.
// Of two sources the first one's results take the place of the input.
func (g *Gallery) AddShown(ctx context.Context, results *eval.Report, r *eval.Runner, sources ...Source) error {
	all := shown(results)
	g.expect(len(all))
	if len(all) == 0 {
		return nil
	}
	o := r.Options
	o.Results, o.Save = "", ""
	for i, s := range sources {
		add := g.addLarge
		if i < len(sources)-1 {
			add = g.addBefore
		}
		o.Only, o.Pixels = all, add
		if s.Index != nil {
			o.Only = map[int]bool{}
			for own, common := range s.Index {
				o.Only[own] = all[common]
			}
			o.Pixels = func(r eval.ImageResult, input, output, clean planar.Image) {
				r.Index = s.Index[r.Index]
				add(r, input, output, clean)
			}
		}
		if _, err := r.Measure(ctx, s.Subject, o); err != nil {
			return err
		}
	}
	return nil
}

// AddThumb adds a small picture of a restored image; for eval.Options.Pixels.
func (g *Gallery) AddThumb(r eval.ImageResult, _, output, _ planar.Image) {
	g.thumbs[r.Index] = encode(scaled(output.RGBA(), thumbSide), thumbQuality)
}

// addLarge keeps large pictures of an image.
func (g *Gallery) addLarge(r eval.ImageResult, input, output, clean planar.Image) {
	l := large{files: g.large[r.Index].files, w: output.W, h: output.H}
	for i, p := range []planar.Image{input, output, clean} {
		if l.files[i] == nil { // not what addBefore put there
			l.files[i] = fit(p.RGBA(), g.budget)
		}
	}
	g.large[r.Index] = l
}

// addBefore keeps a restored image in the place of the input that addLarge will be
// given.
func (g *Gallery) addBefore(r eval.ImageResult, _, output, _ planar.Image) {
	g.large[r.Index] = large{files: [pictures][]byte{fit(output.RGBA(), g.budget)}}
}

// fit encodes a picture in about budget bytes: first at a lower quality, then smaller.
func fit(m image.Image, budget int) []byte {
	var file []byte
	for side := largeSide; side >= 240; side = side * 3 / 4 {
		small := scaled(m, side)
		for _, quality := range []int{90, 82, 72} {
			if file = encode(small, quality); len(file) <= budget {
				return file
			}
		}
	}
	return file
}

// scaled reduces a picture to a longest side, if it is larger.
func scaled(m image.Image, side int) image.Image {
	b := m.Bounds()
	long := max(b.Dx(), b.Dy())
	if long <= side {
		return m
	}
	dst := image.NewRGBA(image.Rect(0, 0, max(b.Dx()*side/long, 1), max(b.Dy()*side/long, 1)))
	draw.CatmullRom.Scale(dst, dst.Bounds(), m, b, draw.Src, nil)
	return dst
}

func encode(m image.Image, quality int) []byte {
	var file bytes.Buffer
	// Writing to memory cannot fail, and no picture is larger than JPEG allows here.
	_ = jpeg.Encode(&file, m, &jpeg.Options{Quality: quality})
	return file.Bytes()
}

// dataURL returns a JPEG file as a URL, "" for none. The file was encoded here, so the
// template may trust it.
func dataURL(file []byte) template.URL {
	if file == nil {
		return ""
	}
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(file))
}

// shots returns those of the images that have pictures.
func (g *Gallery) shots(images []rankedImage) (shots []shotView) {
	for _, i := range images {
		if l, ok := g.large[i.image.Index]; ok {
			shots = append(shots, shotView{
				Rank: i.rank, Image: i.image, Gain: gainOf(i.image), W: l.w, H: l.h,
				Input: dataURL(l.files[0]), Output: dataURL(l.files[1]), Clean: dataURL(l.files[2]),
			})
		}
	}
	return shots
}
