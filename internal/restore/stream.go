package restore

import (
	"context"
	"errors"
	"fmt"
	"io"

	"clusir/internal/imageio"
	"clusir/internal/userfile"
)

// Stream is a picture that a program supplies instead of a file name, and how to
// restore it. The Job's In and Out are then Std.
type Stream struct {
	Choices
	Name    string          // the picture's name in messages
	Context context.Context // its end stops the work on this picture only
	Input   *io.SectionReader
	Output  io.Writer
	Map     io.Writer // receives the affinity map as a PNG; nil for none
	// Restored, if set, is an earlier run's result for the picture at strength 1. It is
	// mixed with the picture again, without the network.
	Restored *io.SectionReader
}

// begin finds the data of a picture that is not a file.
func (r *run) begin(p *picture) error {
	switch {
	case p.data != nil:
	case p.Stream != nil:
		p.data = p.Stream.Input
	case p.In == Std:
		spool, err := r.standardInput()
		if err != nil {
			return err
		}
		p.data, p.held = spool.reader(), spool.size
	}
	return nil
}

// output returns where the result goes if it is not a file.
func (r *run) output(p *picture) io.Writer {
	if p.Stream != nil {
		return named{p.Stream.Output, "the result of " + p.name()}
	}
	return named{r.Stdout, "standard output"}
}

// named is a writer whose errors say what cannot be written, instead of a path.
type named struct {
	io.Writer
	name string
}

// Write writes b.
func (w named) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	if err != nil {
		err = fmt.Errorf("cannot write %s: %w", w.name, userfile.Reason(err))
	}
	return n, err
}

func (s *Stream) restoredName() string { return "the restored picture of " + s.Name }

// earlier reports whether the network need not run, because its result is given.
func (p *picture) earlier() bool { return p.Stream != nil && p.Stream.Restored != nil }

func (p *picture) probeEarlier(limits imageio.Limits) (int64, error) {
	if !p.earlier() {
		return 0, nil
	}
	s, err := imageio.ProbeReader(p.Stream.Restored, p.Stream.restoredName(), limits)
	return s.Bytes + s.Metadata, err
}

// decodeEarlier opens an earlier result, which must have the picture's size.
func (p *picture) decodeEarlier(limits imageio.Limits) (err error) {
	if !p.earlier() {
		return nil
	}
	limits.MaxBytes = 0
	name := p.Stream.restoredName()
	if p.after, err = imageio.Decode(p.Stream.Restored, name, limits); err != nil {
		return err
	}
	if p.after.W != p.img.W || p.after.H != p.img.H {
		return errors.Join(p.after.Close(), fmt.Errorf("%s is %d×%d, but %s is %d×%d: give the result of this very picture",
			name, p.after.W, p.after.H, p.name(), p.img.W, p.img.H))
	}
	return nil
}
