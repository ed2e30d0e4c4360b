package main

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressTo returns w if a person looks at it, else nil.
func progressTo(w io.Writer) io.Writer {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return w
	}
	return nil
}

// countBar shows how many of something are done, to those who look; w is nil
// where nobody does.
type countBar struct {
	w    io.Writer
	text string
	bar  *progressbar.ProgressBar
}

func (p *countBar) set(done, of int) {
	if p.w == nil {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
			progressbar.OptionShowIts(), progressbar.OptionSetItsString("images"), progressbar.OptionFullWidth(),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))
	}
	p.bar.Describe(p.text)
	_ = p.bar.Set(done) // it only fails beyond its end
}

// clear makes room for a message.
func (p *countBar) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // a terminal that cannot be written to shows nothing anyway
	}
}
