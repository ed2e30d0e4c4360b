package draw

import (
	"fmt"
	"image/color"
	"io"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// svgCanvas notes how wide texts are.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString writes a text.
func (c *svgCanvas) FillString(f font.Face, at vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, at, text)
}

// text is the drawing.
func (c *svgCanvas) text() (string, error) {
	var text strings.Builder
	_, err := c.WriteTo(&text)
	return text.String(), err
}

const textElement = "<text "

// fit gives texts their widths, which wider fonts are squeezed into: a viewer
// that has none of fontNames would write over what is next to them.
func (c *svgCanvas) fit(svg string) string {
	parts := strings.Split(svg, textElement)
	for i, w := range c.widths {
		parts[i+1] = fmt.Sprintf("textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\" %s", w.Points(), parts[i+1])
	}
	return strings.Join(parts, textElement)
}

// SVG writes the sheet as an SVG file.
func (s *Sheet) SVG(w io.Writer) error {
	c := &svgCanvas{Canvas: vgsvg.New(s.Size())}
	dc := vgdraw.New(c)
	dc.SetColor(paper)
	dc.Fill(dc.Path())
	s.Draw(dc)
	text, err := c.text()
	if err != nil {
		return err
	}
	_, err = fontFallback.WriteString(w, c.fit(text))
	return err
}

// Inline is the sheet as an SVG element for a page of HTML. It has no background,
// the page's font, and for ink and rules the colours of the page's variables
// --ink, --faint and --rule.
func (s *Sheet) Inline() (string, error) {
	c := &svgCanvas{Canvas: vgsvg.New(s.Size())}
	s.Draw(vgdraw.New(c))
	text, err := c.text()
	_, element, _ := strings.Cut(text, "<svg")
	return pageStyle.Replace("<svg" + element), err
}

// pageStyle turns the sheets' own colours and font into a page's.
var pageStyle = strings.NewReplacer(
	hex(ink), "var(--ink)", hex(faint), "var(--faint)", hex(rule), "var(--rule)", fontName+";", "",
)

func hex(c color.RGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// fontName is how the library names the sheets' font, and fontNames adds those
// of the same widths for who lacks it.
const (
	fontName  = "font-family:Liberation Sans"
	fontNames = fontName + ",Arimo,Arial,Helvetica,sans-serif"
)

var fontFallback = strings.NewReplacer(fontName, fontNames)
