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

// svgCanvas records the widths of texts.
type svgCanvas struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString writes a text.
func (c *svgCanvas) FillString(f font.Face, at vg.Point, text string) {
	c.widths = append(c.widths, f.Width(text))
	c.Canvas.FillString(f, at, text)
}

func (c *svgCanvas) text() (string, error) {
	var text strings.Builder
	_, err := c.WriteTo(&text)
	return text.String(), err
}

const textElement = "<text "

// fit sets the widths of texts, into which wider fonts are squeezed: a viewer that has
// none of fontNames would otherwise write over neighbouring parts.
func (c *svgCanvas) fit(svg string) string {
	parts := strings.Split(svg, textElement)
	for i, w := range c.widths {
		parts[i+1] = fmt.Sprintf("textLength=\"%.1f\" lengthAdjust=\"spacingAndGlyphs\" %s", w.Points(), parts[i+1])
	}
	return strings.Join(parts, textElement)
}

func (s *Sheet) svg(w io.Writer) error {
	c := &svgCanvas{Canvas: vgsvg.New(s.size())}
	dc := vgdraw.New(c)
	dc.SetColor(paper)
	dc.Fill(dc.Path())
	s.Draw(dc)
	text, err := c.text()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, strings.ReplaceAll(c.fit(text), fontName, fontNames))
	return err
}

// Inline returns the sheet as an SVG element for a page of HTML. It has no background,
// the page's font, and for ink and rules the colours of the page's variables --ink,
// --faint and --rule.
func (s *Sheet) Inline() (string, error) {
	c := &svgCanvas{Canvas: vgsvg.New(s.size())}
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

// fontName is the library's name for the sheets' font, and fontNames adds fonts of the
// same widths as substitutes.
const (
	fontName  = "font-family:Liberation Sans"
	fontNames = fontName + ",Arimo,Arial,Helvetica,sans-serif"
)
