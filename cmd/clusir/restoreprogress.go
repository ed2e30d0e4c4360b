package main

import (
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/schollz/progressbar/v3"

	"clusir/internal/restore"
)

// restoreProgress shows how far a run is: of several pictures how many are
// done, of one picture how many tiles. Without a terminal it shows nothing.
type restoreProgress struct {
	mu   sync.Mutex // tiles and pictures are told of by different goroutines
	w    io.Writer
	jobs int
	bar  *progressbar.ProgressBar
}

func newRestoreProgress(w io.Writer, jobs int) *restoreProgress {
	p := &restoreProgress{w: w, jobs: jobs}
	if jobs > 1 {
		p.start(jobs, "images")
	}
	return p
}

func (p *restoreProgress) start(of int, unit string) {
	if p.w == nil || p.bar != nil {
		return
	}
	p.bar = progressbar.NewOptions(of, progressbar.OptionSetWriter(p.w), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit), progressbar.OptionFullWidth(),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
}

// tiles hears of each tile that is done.
func (p *restoreProgress) tiles(job restore.Job, done, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.jobs == 1 && of > 1 {
		p.start(of, "tiles")
	}
	if p.bar == nil {
		return
	}
	name := filepath.Base(job.In)
	if of > 1 && p.jobs > 1 {
		name = fmt.Sprintf("%s %d/%d", name, done, of)
	}
	p.bar.Describe(name)
	if p.jobs == 1 {
		_ = p.bar.Set(done) // it only fails beyond its end
	}
}

// image hears of each picture that is done.
func (p *restoreProgress) image() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil && p.jobs > 1 {
		_ = p.bar.Add(1)
	}
}

// clear makes room for a message.
func (p *restoreProgress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear() // a terminal that cannot be written to shows nothing anyway
	}
}
