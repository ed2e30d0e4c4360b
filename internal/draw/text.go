package draw

import (
	"image/color"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
)

// Colours of everything that is not data.
var (
	paper = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{26, 26, 30, 255}
	faint = color.RGBA{96, 98, 106, 255}
	rule  = color.RGBA{200, 202, 208, 255}
)

// Styles of text, all positioned by the upper left corner.
var (
	titleStyle = style(13, xfont.WeightBold, ink)
	headStyle  = style(9.5, xfont.WeightBold, ink)
	textStyle  = style(9, xfont.WeightNormal, ink)
	noteStyle  = style(8, xfont.WeightNormal, faint)
)

func style(size vg.Length, weight xfont.Weight, c color.Color) text.Style {
	return text.Style{
		Font:  font.Font{Typeface: "Liberation", Variant: "Sans", Weight: weight, Size: size},
		Color: c, XAlign: text.XLeft, YAlign: text.YTop, Handler: plot.DefaultTextHandler,
	}
}

// aligned returns s positioned by another point.
func aligned(s text.Style, x text.XAlignment, y text.YAlignment) text.Style {
	s.XAlign, s.YAlign = x, y
	return s
}

// line returns the height of a line of text.
func line(s text.Style) vg.Length { return s.Font.Size * lineGap }

// wrap breaks a text into lines no wider than w, without breaking words.
func wrap(s text.Style, words string, w vg.Length) []string {
	var lines []string
	last := ""
	for word := range strings.FieldsSeq(words) {
		switch longer := strings.TrimSpace(last + " " + word); {
		case last != "" && s.Width(longer) > w:
			lines = append(lines, last)
			last = word
		default:
			last = longer
		}
	}
	return append(lines, last)
}
