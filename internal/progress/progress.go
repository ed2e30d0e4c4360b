// Package progress shows the progress of a command as a bar on the terminal.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"clusir/internal/userfile"
)

// Bar shows how many of something are done, how fast, and the time to go. A nil Bar
// shows nothing. It is safe for concurrent use.
type Bar struct {
	mu   sync.Mutex
	w    io.Writer
	unit string
	bar  *progressbar.ProgressBar
	rest int // columns of the line besides text and bar
}

// New returns a bar that counts in a unit, such as "images", or shows shares, which
// have none; nil if w is not a terminal.
func New(w io.Writer, unit string) *Bar {
	if !IsTerminal(w) {
		return nil
	}
	return &Bar{w: w, unit: unit}
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Set shows how many of all are done, and text in front of the bar.
func (b *Bar) Set(done, all int, text string) {
	b.update(func() {
		b.show(done, all, text, len(fmt.Sprintf("(%d/%d, 99 %s/min) ", all, all, b.unit)),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(b.unit))
	})
}

// SetShare shows the share that is done, from 0 to 1, and text in front of the bar. A
// bar needs either this or Set.
func (b *Bar) SetShare(done float64, text string) {
	const parts = 1000
	b.update(func() { b.show(int(done*parts), parts, text, 0) })
}

// The columns of a line besides text, bar and statistics, and those of the times.
const (
	around    = len(" 100% ||  ")
	times     = len(" [10h59m59s:10h59m59s]")
	leastText = 16
)

// show makes the bar, and the next one once that is full, and sets it. options add
// statistics of a number of columns. A terminal that is too narrow for them and the times
// shows neither, and text is cut, since a line that wraps stays.
func (b *Bar) show(done, all int, text string, columns int, options ...progressbar.Option) {
	width := b.width()
	if b.bar == nil || b.bar.IsFinished() {
		b.rest = around + times + columns
		wide := b.rest+leastText < width
		if !wide {
			b.rest, options = around, nil
		}
		b.bar = progressbar.NewOptions(all, append(options, progressbar.OptionSetWriter(b.w), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(wide), progressbar.OptionSetElapsedTime(wide), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))...)
	}
	b.bar.Describe(cut(userfile.OneLine(text), width-1-b.rest))
	_ = b.bar.Set(done) // fails only beyond its end
}

func (b *Bar) width() int {
	if f, ok := b.w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// cut shortens a text to a number of columns.
func cut(text string, columns int) string {
	rest, state := text, -1
	for rest != "" {
		_, next, width, after := uniseg.FirstGraphemeClusterInString(rest, state)
		if columns -= width; columns < 0 {
			break
		}
		rest, state = next, after
	}
	return text[:len(text)-len(rest)]
}

// Clear removes the bar from the line, to make room for a message.
func (b *Bar) Clear() {
	b.update(func() {
		if b.bar != nil {
			_ = b.bar.Clear() // a terminal that cannot be written to shows nothing anyway
		}
	})
}

func (b *Bar) update(f func()) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}
