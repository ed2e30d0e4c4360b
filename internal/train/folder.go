package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"clusir/internal/atomicfile"
	"clusir/internal/checkpoint"
	"clusir/internal/userfile"
)

// checkFolder refuses a folder that a run cannot have: that of another run, or one
// without a run to resume. Only rank 0 has a folder.
func (o Options) checkFolder() error {
	last := filepath.Join(o.Out, lastName)
	_, err := os.Stat(last)
	info, folderErr := os.Stat(o.Out)
	switch {
	case o.Group.Rank() > 0:
	case o.Resume && o.InitFrom != nil:
		return errors.New("--resume and --init-from cannot be used together: a resumed run has its own weights")
	case o.Resume && err != nil:
		return fmt.Errorf("nothing to resume: %s does not exist; leave out --resume to start", last)
	case !o.Resume && err == nil:
		return fmt.Errorf("%s holds a run: continue with --resume, or choose another folder with --out", o.Out)
	case folderErr == nil && !info.IsDir():
		return fmt.Errorf("%s is a file, but a folder is needed: choose another one with --out", o.Out)
	case !o.Resume:
		return o.checkRemains()
	}
	return nil
}

// checkRemains refuses a folder without a checkpoint that holds what the run would replace
// although no killed run can have left it there: a curve, which is drawn after the last
// checkpoint, or best weights of a step that has a checkpoint before it.
func (o Options) checkRemains() error {
	remains := filepath.Join(o.Out, curveName)
	if _, err := os.Stat(remains); err != nil {
		remains = filepath.Join(o.Out, bestName)
		f, err := checkpoint.Open(remains)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR):
			return fmt.Errorf("%w: choose another folder with --out", err)
		}
		if err == nil {
			defer f.Close()
			if step, err := f.Step(); err == nil && (step == 0 || step <= o.Config.Train.CheckpointInterval) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s would be replaced, and %s has no %s to resume from: move it away, or choose another folder with --out", remains, o.Out, lastName)
}

// prepareFolder makes the run's folder and locks it against other runs until the file
// that it returns is closed.
func prepareFolder(o Options) (lock *os.File, err error) {
	if o.Group.Rank() > 0 {
		return nil, nil
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the run's folder %s: %w", o.Out, userfile.Reason(err))
	}
	if lock, err = os.Open(o.Out); err != nil {
		return nil, fmt.Errorf("cannot open the run's folder: %w", err)
	}
	if err = atomicfile.Lock(lock); err == nil {
		err = o.checkFolder() // another run may have started and ended meanwhile
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// complete reports whether the run was resumed after its end, so that there is nothing
// to write.
func (r *run) complete() bool {
	return r.Resume && !r.changed && r.step >= r.plan.steps && (r.responses != "" || !r.m.Config.UseMoE)
}

// announce prints where a resumed run continues, and which part of the schedule lies
// beyond its end.
func (r *run) announce() {
	if note := r.plan.note(); note != "" {
		fmt.Fprintln(r.Messages, note)
	}
	switch {
	case !r.Resume:
	case r.complete() && !r.owesValidation():
		fmt.Fprintf(r.Messages, "the run is finished: step %d of %d; raise --steps or train.epochs to train further\n", r.step, r.plan.steps)
	default:
		fmt.Fprintf(r.Messages, "continuing from step %d of %d\n", r.step, r.plan.steps)
	}
}
