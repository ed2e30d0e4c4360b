// Package figures draws the paper's figures for any network and benchmarks: how its
// features, its routers and its frequency modulation treat degraded pictures.
package figures

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"clusir/internal/atomicfile"
	"clusir/internal/dataset"
	"clusir/internal/draw"
	"clusir/internal/infer"
	"clusir/internal/model"
	"clusir/internal/planar"
	"clusir/internal/progress"
	"clusir/internal/userfile"
)

// Request says what to draw.
type Request struct {
	Net  *infer.Network
	Name string // of the network, for titles
	// Splits are the degradations to show.
	Splits []*dataset.Split
	Seed   uint64 // for degrading clean images
	// Samples is the maximum number of images per split in figures of many images.
	Samples int
	// Image names the picture of each split in figures of single ones; "" means the
	// first.
	Image string
	Dir   string // where the files go
	// Overwrite allows existing files to be replaced.
	Overwrite bool
	// Other, if set, is a second network whose results the crops also show.
	Other     *infer.Network
	OtherName string

	progress func(done, of int) // is called after each image
}

// figure is something that can be drawn.
type figure struct {
	name, about string
	draw        func(ctx context.Context, r *Request) ([]sheet, error)
	pictures    bool // needs splits
	moe, dafmm  bool // needs parts that the paper's ablations lack
}

// sheet is a figure and the name of its files.
type sheet struct {
	name string
	draw.Sheet
}

// Crops is the figure that can show two networks.
const Crops = "crops"

// all are the figures in the paper's order.
var all = []figure{
	{"frequency", "input, LL band, refined low and high frequencies and their spectra (Fig. 3)", frequency, true, true, true},
	{Crops, "crops of input, result and clean image side by side (Fig. 4)", crops, true, false, false},
	{"tsne", "t-SNE of the features after each stage's experts (Figs. 5, 7)", tsneFigure, true, true, false},
	{affinityName, "likeness of each pixel to each prototype (Figs. 6, 9)", affinity, true, true, false},
	{"prototypes", "distances of the prototypes from each other, and at the start of training (Fig. 8)", prototypes, false, true, false},
	{"experts", "weights of the experts by degradation and stage", experts, true, true, false},
}

// Names returns the names of all figures.
func Names() (names []string) {
	for _, f := range all {
		names = append(names, f.name)
	}
	return names
}

// About describes a figure of Names in one line.
func About(name string) string { return all[index(name)].about }

func index(name string) int {
	return slices.IndexFunc(all, func(f figure) bool { return f.name == name })
}

// NeedsPictures reports whether any of the figures uses pictures. It returns an error
// if one of the names is unknown.
func NeedsPictures(names []string) (bool, error) {
	pictures := false
	for n, name := range names {
		i := index(name)
		if slices.Contains(names[:n], name) {
			return false, fmt.Errorf("figure %s is named twice: name it once", name)
		}
		if name == "all" {
			return false, errors.New("all stands for every figure: name it alone")
		}
		if i < 0 {
			return false, fmt.Errorf("there is no figure %q; choose among %s, or all", name, strings.Join(Names(), ", "))
		}
		pictures = pictures || all[i].pictures
	}
	return pictures, nil
}

// DrawAll draws figures from Names one after another, prints the files' paths to w and
// shows progress on messages. Unless they may be replaced, existing files are an error
// before anything is drawn.
func DrawAll(ctx context.Context, names []string, r Request, w, messages io.Writer) error {
	if err := r.mayWrite(names); err != nil {
		return err
	}
	bar := progress.New(messages, "images")
	for _, name := range names {
		r.progress = func(done, all int) { bar.Set(done, all, name) }
		paths, err := drawOne(ctx, name, r)
		bar.Clear()
		for _, p := range paths {
			fmt.Fprintln(w, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayWrite makes the folder. It returns an error if that is a file or takes no new files,
// or if one of the figures' files exists and must not be replaced.
func (r *Request) mayWrite(names []string) error {
	if _, err := os.Stat(r.Dir); !errors.Is(err, fs.ErrNotExist) {
		if err := userfile.Folder(r.Dir, "figures"); err != nil {
			return err
		}
	}
	for _, name := range names {
		files := []string{name}
		if name == affinityName {
			files = nil
			for _, s := range r.Splits {
				files = append(files, affinityFile(s))
			}
		}
		for _, f := range files {
			for _, path := range []string{filepath.Join(r.Dir, f+".png"), filepath.Join(r.Dir, f+".svg")} {
				if err := userfile.MayWrite(path, r.Overwrite); err != nil {
					return err
				}
			}
		}
	}
	return atomicfile.Try(filepath.Join(r.Dir, names[0]+".png"))
}

// drawOne draws a figure of Names, as PNG and as SVG, and returns the files' paths.
func drawOne(ctx context.Context, name string, r Request) ([]string, error) {
	f := all[index(name)]
	var sheets []sheet
	err := f.check(&r)
	if err == nil {
		sheets, err = f.draw(ctx, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("figure %s: %w", name, err)
	}
	var paths []string
	for _, s := range sheets {
		files, err := s.Save(r.Dir, s.name)
		if err != nil {
			return paths, err
		}
		paths = append(paths, files...)
	}
	return paths, nil
}

func (f figure) check(r *Request) error {
	c := r.Net.Model.Config
	switch {
	case f.moe && !c.UseMoE:
		return fmt.Errorf("model %s has no router and no experts: choose one with use_moe", r.Name)
	case f.dafmm && !c.UseDAFMM:
		return fmt.Errorf("model %s has no frequency modulation: choose one with use_dafmm", r.Name)
	case f.pictures && len(r.Splits) == 0:
		return errors.New("there are no pictures to show it on")
	}
	return nil
}

// picture is an image of a split with the network's result.
type picture struct {
	split         *dataset.Split
	name          string
	input, target *dataset.Image
	output        planar.Image // clamped
	other         planar.Image // of the second network; without pixels if there is none
	routes        []*model.Route
}

// restore runs the network on an image; probe receives the modules' results.
func (r *Request) restore(ctx context.Context, s *dataset.Split, item dataset.Item, probe func(name string, v *model.Var)) (*picture, error) {
	d, err := item.Load(r.Seed)
	if err != nil {
		return nil, err
	}
	p := &picture{split: s, name: item.Name, input: d.Input, target: d.Target}
	p.output, p.routes, err = r.Net.Restore(ctx, nil, d.Input.Planar(), infer.Options{Probe: probe})
	p.output.Clamp()
	return p, err
}

// each restores the picture of each split that the request names.
func (r *Request) each(ctx context.Context, probe func(p int, name string, v *model.Var)) ([]*picture, error) {
	var pictures []*picture
	for i, s := range r.Splits {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		item, err := r.pick(s)
		if err != nil {
			return nil, err
		}
		p, err := r.restore(ctx, s, item, func(name string, v *model.Var) { probe(i, name, v) })
		if err != nil {
			return nil, err
		}
		pictures = append(pictures, p)
		r.progress(i+1, len(r.Splits))
	}
	return pictures, nil
}

// pick returns the item of a split that the request names.
func (r *Request) pick(s *dataset.Split) (dataset.Item, error) {
	if len(s.Items) == 0 {
		return dataset.Item{}, fmt.Errorf("%s has no images", titleOf(s))
	}
	if r.Image == "" {
		return s.Items[0], nil
	}
	i := slices.IndexFunc(s.Items, func(i dataset.Item) bool { return i.Name == r.Image })
	if i < 0 {
		return dataset.Item{}, fmt.Errorf("%s has no image %q; its first is %q", titleOf(s), r.Image, s.Items[0].Name)
	}
	return s.Items[i], nil
}

// titleOf returns a split's title: "CBSD68 σ=25".
func titleOf(s *dataset.Split) string {
	return strings.TrimSpace(s.Benchmark.Title + " " + s.Label)
}
