package imageio

import (
	"fmt"
	"strings"
)

// rawFile returns the error for a camera's raw file. Most are TIFFs whose first picture
// is a preview, so what can be read is not the photograph.
func rawFile(what string) error {
	return fmt.Errorf("is a camera raw file (%s), which %w: develop it first, "+
		"with darktable, RawTherapee or the camera's own program, and save a 16-bit TIFF or PNG", what, ErrOther)
}

// Tags and values that identify raw files.
const (
	tagMake          = 271
	tagCFARepeat     = 33421
	tagCFAPattern    = 33422
	tagDNGVersion    = 50706
	photometricCFA   = 32803
	photometricRaw   = 34892 // "linear raw", of DNG
	subfileReduced   = 1     // a preview or thumbnail
	kodakPrivateIFD  = 33424 // Kodak's own directory in DCR and KDC
	leafMagic        = 34306
	dngPrivateData   = 50740 // also of Sony's ARW
	compressionThumb = 6
)

// rawCompressions are only used for sensor data.
var rawCompressions = map[uint32]string{
	32767: "Sony ARW", 32769: "Epson ERF", 32770: "Samsung SRW", 34713: "Nikon NEF", 34892: "DNG",
	65000: "Kodak", 65535: "Pentax PEF",
}

// raw returns the kind of raw file that a TIFF is, judging by its content, or "". The
// evidence is a DNG version, sensor data in the first directory or one below it, or a
// preview at the top of what a directory below holds.
func (h *tiffHead) raw() string {
	if h.has(tagDNGVersion) {
		return "DNG"
	}
	if h.has(kodakPrivateIFD) || h.has(leafMagic) {
		return h.maker()
	}
	if what := h.sensor(); what != "" {
		return what
	}
	preview := h.value(tagSubfileType, 0)&subfileReduced != 0 || h.value(tagCompression, 0) == compressionThumb
	for _, at := range h.values(tagSubIFDs) {
		below, err := h.below(at)
		if err != nil {
			continue
		}
		if what := below.sensor(); what != "" {
			return h.maker()
		}
		if preview && below.value(tagSubfileType, 0)&subfileReduced == 0 && below.value(tagImageWidth, 0) > h.value(tagImageWidth, 0) {
			return h.maker()
		}
	}
	if h.has(dngPrivateData) && preview {
		return h.maker()
	}
	return ""
}

// sensor reports whether a directory describes sensor data.
func (h *tiffHead) sensor() string {
	if what := rawCompressions[h.value(tagCompression, 0)]; what != "" {
		return what
	}
	if p := h.value(tagPhotometric, 0); p == photometricCFA || p == photometricRaw || h.has(tagCFAPattern) || h.has(tagCFARepeat) {
		return h.maker()
	}
	return ""
}

// maker returns the camera's maker, if the file names it.
func (h *tiffHead) maker() string {
	name := strings.TrimRight(string(h.data(tagMake)), "\x00 ")
	if name == "" || len(name) > 40 {
		return "a sensor's data"
	}
	return name
}
