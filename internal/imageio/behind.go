package imageio

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/dustin/go-humanize/english"
)

// Behind is what a file holds after the picture that is read, and what a result will
// lack.
type Behind struct {
	Pages   int  // further pages of a TIFF
	Masks   int  // of what a TIFF's pictures leave transparent
	Broken  bool // the list of pages ends in damage
	Frames  int  // of an animation
	Picture bool
	GainMap bool
	Video   bool
	Bytes   int64 // of other data
}

func (b Behind) notes() (notes []string) {
	add := func(when bool, text string, args ...any) {
		if when {
			notes = append(notes, fmt.Sprintf(text, args...))
		}
	}
	add(b.Pages > 0, "only the first of %d pages was read", b.Pages+1)
	add(b.Masks > 0, "the transparency %s not read", english.PluralWord(b.Masks, "mask after the picture was", "masks after the picture were"))
	add(b.Broken, "the list of pages is damaged, and those that may follow were not read")
	add(b.Frames > 0, "only the still picture of an animation of %s was read", english.Plural(b.Frames, "frame", ""))
	add(b.GainMap, "the gain map after the picture (Ultra HDR) was not kept: the result has standard range")
	add(b.Picture && !b.GainMap, "there are more pictures after the first, which were not read")
	add(b.Video, "the video after the picture (a motion photo) was not kept")
	add(b.Bytes > 0 && !b.Picture && !b.Video, "%d %s not kept", b.Bytes,
		english.PluralWord(int(b.Bytes), "byte after the picture was", "bytes after the picture were"))
	return notes
}

// gainMaps are signs of a gain map, in the XMP of either picture or in a segment.
var gainMaps = [][]byte{[]byte("hdr-gain-map"), []byte("urn:iso:std:iso:ts:21496"), []byte("HDRGainMap"), []byte("hdrgainmap")}

func announcesGainMap(data []byte) bool {
	return slices.ContainsFunc(gainMaps, func(sign []byte) bool { return bytes.Contains(data, sign) })
}

// holdsVideo reports whether data holds the box that MP4 and QuickTime files begin
// with.
func holdsVideo(data []byte) bool {
	const box, size = "ftyp", 4 // big-endian, some tens of bytes
	for {
		at := bytes.Index(data, []byte(box))
		if at < 0 {
			return false
		}
		if at >= size && bytes.HasPrefix(data[at-size:], []byte{0, 0, 0}) {
			return true
		}
		data = data[at+len(box):]
	}
}

// pictures lists how the formats that are found after other pictures begin.
var pictures = [][]byte{[]byte("\xff\xd8\xff"), []byte("\x89PNG\r\n\x1a\n"), []byte("WEBPVP8")}

// look looks through what follows a picture's end.
func (b *Behind) look(in io.Reader) {
	const overlap = 64 // longer than any sign
	buf, kept := make([]byte, 1<<16), 0
	for {
		n, err := in.Read(buf[kept:])
		window := buf[:kept+n]
		b.Picture = b.Picture || slices.ContainsFunc(pictures, func(sign []byte) bool { return bytes.Contains(window, sign) })
		b.GainMap = b.GainMap || announcesGainMap(window)
		b.Video = b.Video || holdsVideo(window)
		b.Bytes += int64(n - bytes.Count(buf[kept:kept+n], []byte{0})) // cameras pad with zeros
		if err != nil {
			break
		}
		kept = copy(buf, window[max(0, len(window)-overlap):])
	}
}

// maxPages bounds the number of pages that are searched for in a TIFF.
const maxPages = 1 << 14

// pages returns the offsets of the directories of a TIFF's pages, from the first,
// without reduced copies of others, and what else the list of directories says.
func (t tiffFile) pages(first int64) (at []int64, behind Behind) {
	seen := map[int64]bool{}
	for offset := first; offset > 0 && len(seen) < maxPages; {
		d, err := t.directory(offset)
		if err != nil || seen[offset] {
			behind.Broken = true
			break
		}
		seen[offset] = true
		const reduced, mask = 1, 4
		switch kind := d.value(tagSubfileType, 0); {
		case kind&mask != 0:
			behind.Masks++
		case kind&reduced == 0:
			at = append(at, offset)
		}
		_, _, number := t.widths()
		next := make([]byte, number)
		if _, err := t.r.ReadAt(next, d.next); err != nil {
			break // as after a last directory that ends the file
		}
		offset = t.number(next)
	}
	behind.Pages = max(len(at)-1, 0)
	return at, behind
}
