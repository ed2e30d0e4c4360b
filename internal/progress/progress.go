// Package progress shows the progress of a command as a bar on the terminal.
package progress

import (
	"io"
	"os"
	"sync"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar shows how many of something are done, how fast, and the time to go. A nil Bar
// shows nothing. It is safe for concurrent use.
type Bar struct {
	mu   sync.Mutex
	w    io.Writer
	unit string
	bar  *progressbar.ProgressBar
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
		b.begin(all, progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString(b.unit))
		b.bar.Describe(text)
		_ = b.bar.Set(done) // fails only beyond its end
	})
}

// SetShare shows the share that is done, from 0 to 1, and text in front of the bar. A
// bar needs either this or Set.
func (b *Bar) SetShare(done float64, text string) {
	const parts = 1000
	b.update(func() {
		b.begin(parts)
		b.bar.Describe(text)
		_ = b.bar.Set(int(done * parts)) // fails only beyond its end
	})
}

// begin makes the bar, and the next one once that is full.
func (b *Bar) begin(all int, more ...progressbar.Option) {
	if b.bar == nil || b.bar.IsFinished() {
		b.bar = progressbar.NewOptions(all, append(more, progressbar.OptionSetWriter(b.w), progressbar.OptionFullWidth(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100e6))...)
	}
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
