package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Inventory describes the contents of a training set. If it changes, so do the samples
// or their order.
type Inventory []Holding

// Holding describes the images of a task, or those that its degradations are made from.
type Holding struct {
	Task    string `json:"task"`
	Images  int    `json:"images"` // pairs, or photographs
	Samples int    `json:"samples"`
	Digest  string `json:"digest"` // of their names relative to the data folder
}

// Inventory returns the set's inventory.
func (s *Set) Inventory() Inventory {
	var all Inventory
	for _, src := range s.sources {
		names := sha256.New()
		for _, p := range src.pairs {
			for _, file := range p.files() {
				fmt.Fprintf(names, "%s\x00", s.seenFromRoot(file))
			}
		}
		all = append(all, Holding{
			Task: src.label, Images: len(src.pairs), Samples: len(src.pairs) * src.repeat * max(1, len(src.sigmas)),
			Digest: hex.EncodeToString(names.Sum(nil)[:8]),
		})
	}
	return all
}

// seenFromRoot returns a file's path below the root, which does not change if the data
// are moved as a whole.
func (s *Set) seenFromRoot(file string) string {
	rel, err := filepath.Rel(s.opts.Root, file)
	if err != nil || strings.HasPrefix(rel, "..") {
		return file
	}
	return filepath.ToSlash(rel)
}

// Differences describes, one line per task, how the images have changed; it ignores
// tasks that only one of the two has.
func (inv Inventory) Differences(was Inventory) (lines []string) {
	for _, now := range inv {
		i := slices.IndexFunc(was, func(h Holding) bool { return h.Task == now.Task })
		if i < 0 {
			continue
		}
		switch before := was[i]; {
		case before.Images != now.Images:
			lines = append(lines, fmt.Sprintf("%s: %d images, were %d", now.Task, now.Images, before.Images))
		case before.Digest != now.Digest:
			lines = append(lines, fmt.Sprintf("%s: %d images, as before, but not the same ones", now.Task, now.Images))
		}
		was = slices.Delete(slices.Clone(was), i, i+1) // a task may have several sources
	}
	return lines
}
