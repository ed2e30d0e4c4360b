package restore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/progress"
	"clusir/internal/userfile"
)

// Session restores a plan's pictures and reports their outcome to the user.
type Session struct {
	*Plan
	Request // that the plan is for
	// Options are those of the run; DeviceMemory, Progress and Done are set here.
	Options
	Model, Device string // names of the network and of what computes

	Debug    bool // print the stacks of bugs
	Messages io.Writer

	responses model.ClusterResponses
	bar       *progress.Bar
	results   *resultsFile // nil for none
	written   error        // the first error of writing it
	err       error        // of the last picture
	stop      context.CancelCauseFunc
}

var errNoRouter = errors.New("the model has no router, so it has nothing to explain: leave out --explain")

// Run restores the pictures, and reports them to Stdout and Messages. The error sums up
// the pictures that failed. Once Stdout cannot be written, the run ends.
func (s *Session) Run(ctx context.Context, net *infer.Network) (err error) {
	if !net.Model.Config.UseMoE && slices.ContainsFunc(s.Jobs, func(j Job) bool { return j.Map != "" }) {
		return errNoRouter
	}
	if s.Several {
		if err := s.takesFiles(); err != nil {
			return err
		}
	}
	ctx, s.stop = context.WithCancelCause(ctx)
	defer s.stop(nil)
	if s.Results != "" {
		if s.results, err = createResults(s.Results, s.header(s.Model, s.Device), s.SkipExisting); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.written, s.results.file.Close()) }()
	}
	if s.Explain {
		if s.responses, err = model.ReadResponses(net.Metadata, net.Model.Config); err != nil {
			return err
		}
	}
	for _, j := range s.Skipped {
		s.print(Record{Name: j.name, Input: j.In, Output: j.Out, Model: s.Model, Device: s.Device, Skipped: true}.plain())
	}
	if own, ok := net.Tape().B.(kernels.OwnMemory); ok {
		_, _, s.DeviceMemory = own.MemoryUse()
	}
	s.bar = progress.New(s.Messages, "")
	s.Progress, s.Done = s.progress, s.done
	sum, err := Run(ctx, net, slices.Values(s.Jobs), s.Options)
	s.bar.Clear()
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	if !s.Several {
		return s.err
	}
	if !s.JSON {
		sum.writeText(s.Stdout, s.Plan)
	}
	if left := len(s.Jobs) - sum.Restored - sum.Failed; left > 0 {
		return fmt.Errorf("the disk is full, with %s left to restore: make room and start again", pictures(left))
	}
	return sum.err()
}

// print writes a picture's record to every requested output.
func (s *Session) print(rec Record) {
	if s.results != nil && s.written == nil {
		s.written = s.results.add(rec)
	}
	if s.JSON {
		s.tell(rec.json())
	}
}

// tell writes to Stdout. What reads it may have read enough, as head does.
func (s *Session) tell(text []byte) {
	if _, err := s.Stdout.Write(text); err != nil {
		s.stop(err)
	}
}

func (s *Session) done(res Result) {
	s.bar.Clear()
	if bug := new(Bug); errors.As(res.Err, &bug) && s.Debug {
		fmt.Fprintf(s.Messages, "%s", bug.Stack)
	}
	for _, note := range res.Notes {
		fmt.Fprintf(s.Messages, "clusir: %s\n", userfile.OneLine(res.In+": "+note))
	}
	if s.err = userfile.InOneLine(res.Err); s.err != nil && s.Several {
		fmt.Fprintf(s.Messages, "clusir: %v\n", s.err)
	}
	s.print(res.Record(s.Model, s.Device))
	if s.Explain && res.Err == nil {
		var text bytes.Buffer
		res.Explain(&text, s.responses)
		s.tell(text.Bytes())
	}
}

// progress shows the progress of the run: which picture is being computed, and the
// share of it that is done.
func (s *Session) progress(index int, job Job, done float64) {
	text := filepath.Base(job.In)
	all := len(s.Jobs)
	if all > 1 {
		text = fmt.Sprintf("%d of %d: %s", index+1, all, text)
	}
	s.bar.SetShare((float64(index)+done)/float64(all), text)
}
