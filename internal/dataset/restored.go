package dataset

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"

	"clusir/internal/imageio"
	"clusir/internal/planar"
	"clusir/internal/userfile"
)

// Restored is a picture that another program made of an item, with the size that
// [Item.Load] returns.
type Restored struct {
	planar.Image
	Format imageio.Format
	Depth  int // bits per sample: 8 or 16
}

// restoredFiles indexes the pictures of a folder by name.
type restoredFiles struct {
	dir    string
	exact  map[string][]string // by stem
	folded map[string][]string // by folded stem
	others map[string]string   // files that are not pictures, by name without extension
}

// fold maps names that some file systems treat as equal to the same string.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// FindRestored finds the pictures that another program made of items in a folder, by
// the items' names with any extension. File i is that of item i; if there is none,
// fault i says why.
func FindRestored(dir string, items []Item) (files []string, faults []error, err error) {
	found, err := listRestored(dir)
	if err != nil {
		return nil, nil, err
	}
	count := map[string]int{}
	for _, i := range items {
		count[i.Name]++
	}
	files, faults = make([]string, len(items)), make([]error, len(items))
	for k, i := range items {
		if count[i.Name] > 1 {
			faults[k] = fmt.Errorf("%d images of the benchmark are called %s, so that their pictures cannot be told apart: rename them", count[i.Name], i.Name)
			continue
		}
		files[k], faults[k] = found.of(i.Name, count)
	}
	return files, faults, nil
}

func listRestored(dir string) (restoredFiles, error) {
	f := restoredFiles{dir, map[string][]string{}, map[string][]string{}, map[string]string{}}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		name := e.Name()
		switch {
		case e.IsDir() || userfile.Hidden(name):
		case isImage(name):
			s := stem(name)
			f.exact[s] = append(f.exact[s], name)
			f.folded[fold(s)] = append(f.folded[fold(s)], name)
		default:
			f.others[strings.TrimSuffix(name, filepath.Ext(name))] = name
		}
	}
	return f, err
}

// of returns the file for an image's name. Case is ignored unless names in the folder
// or the benchmark differ only in case; items holds the names of all its images.
func (f restoredFiles) of(name string, items map[string]int) (string, error) {
	files := f.exact[name]
	if len(files) == 0 {
		for _, file := range f.folded[fold(name)] {
			if items[stem(file)] == 0 {
				files = append(files, file)
			}
		}
	}
	switch len(files) {
	case 0:
		if other, ok := f.others[name]; ok {
			return "", fmt.Errorf("%s is not a picture that can be read: write %s", filepath.Join(f.dir, other), imageio.Extensions())
		}
		return "", fmt.Errorf("there is no picture %s.*", filepath.Join(f.dir, name))
	case 1:
		return filepath.Join(f.dir, files[0]), nil
	}
	return "", fmt.Errorf("%s and %s in %s have one name: remove one of them", files[0], files[1], f.dir)
}

// ReadRestored reads the picture that another program made of the item, without
// rounding. It must have the size that Load returns, or that of the clean image's file;
// then it is cropped like in Load.
func (i Item) ReadRestored(path string) (*Restored, error) {
	taken, err := decoding.take(path)
	if err != nil {
		return nil, err
	}
	defer decoding.release(taken)
	clean, err := imageio.ProbeFile(i.Target, imageio.Limits{})
	if err != nil {
		return nil, unreadable(err)
	}
	src, err := imageio.Open(path, imageio.Limits{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	dx, dy := clean.W%sideMultiple, clean.H%sideMultiple
	at := image.Rect(0, 0, clean.W-dx, clean.H-dy)
	switch size := src.Bounds().Size(); size {
	case at.Size():
	case image.Pt(clean.W, clean.H):
		at = at.Add(image.Pt(dx/2, dy/2))
	default:
		cut := ""
		if dx+dy > 0 {
			cut = fmt.Sprintf(", which is cut to %d×%d", at.Dx(), at.Dy())
		}
		return nil, fmt.Errorf("%s is %d×%d, its clean image %s %d×%d%s: a restored picture must be of that size", path, size.X, size.Y, i.Target, clean.W, clean.H, cut)
	}
	planes, err := src.Tile(nil, at)
	if err != nil {
		return nil, err
	}
	return &Restored{Image: planar.Image{C: 3, H: at.Dy(), W: at.Dx(), Pix: planes}, Format: src.Format, Depth: src.Depth}, nil
}

// RestoredBytes returns the memory that ReadRestored takes to decode a file.
func RestoredBytes(path string) (int64, error) {
	p, err := imageio.ProbeFile(path, imageio.Limits{})
	return readBytes(p), err
}
