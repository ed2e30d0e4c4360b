// Package train fits a network to a training set: the objective, Adam, the learning
// rate schedule, checkpoints from which a run resumes bit for bit, and progress, logs
// and curves.
package train

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"clusir/internal/checkpoint"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/eval"
	"clusir/internal/kernels"
	"clusir/internal/model"
	"clusir/internal/parallel"
	"clusir/internal/progress"
	"clusir/internal/userfile"
)

// Options describe a run.
type Options struct {
	Config  *config.Config
	Backend kernels.Backend
	// Device names the computing device, for the log and the checkpoints: results have
	// the same bits only on the same device.
	Device string
	// Group is the ranks that train together, all with these options; nil for a single
	// one. The caller closes it.
	Group  parallel.Group
	Out    string // the run's folder
	Resume bool   // continue from Out's last checkpoint
	// InitFrom is a checkpoint whose weights the run starts from, the averaged ones if
	// it has them; nil for none.
	InitFrom *checkpoint.File
	// Validate measures a network on the benchmarks of the configuration; nil for none.
	// The mean of its values decides which checkpoint is the best.
	Validate func(ctx context.Context, m *model.ClusIR) (*eval.Validation, error)
	// Memory is how much of the machine's memory the run may take, in bytes; 0 for no
	// limit.
	Memory int64
	// Progress shows the steps; nil prints a line at every train.log_interval instead.
	Progress *progress.Bar
	Messages io.Writer // messages to the user
}

// Result is the outcome of a run.
type Result struct {
	Step        int
	Checkpoint  string // the last one
	Interrupted bool   // by the context, before the last step
	Terms       model.Terms
}

// Write prints where the run ended.
func (r *Result) Write(w io.Writer) {
	fmt.Fprintf(w, "step %d\ncheckpoint %s\n", r.Step, userfile.OneLine(r.Checkpoint))
	if r.Interrupted {
		fmt.Fprintln(w, "continue with --resume")
	}
}

// Unfinished returns the reason why the run was interrupted, nil if it was not. ctx is
// this process's; another's may have ended.
func (r *Result) Unfinished(ctx context.Context) error {
	if !r.Interrupted {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return fmt.Errorf("another rank was asked to stop: the run ends unfinished at step %d; continue with --resume", r.Step)
}

// Run trains until the last step or until ctx ends, in which case it finishes the
// current step and saves. A failure ends the run on all ranks.
func Run(ctx context.Context, o Options) (*Result, error) {
	o = o.inGroup()
	res, err := runRank(ctx, o)
	if rank := new(parallel.RankError); err != nil && !errors.As(err, &rank) {
		o.Group.Abort(err)
	}
	return res, err
}

func runRank(ctx context.Context, o Options) (*Result, error) {
	if err := o.checkFolder(); err != nil {
		return nil, err
	}
	set, report, err := dataset.Open(dataOptions(o.Config, o.Memory))
	if err != nil {
		return nil, err
	}
	r, err := newRun(o, set, report)
	if err != nil {
		return nil, err
	}
	defer r.close()
	if !o.Resume {
		if err := report.WriteText(o.Messages, 3); err != nil {
			return nil, err
		}
	}
	return r.loop(ctx)
}

// run is a training run under way.
type run struct {
	Options
	t    config.Train
	set  *dataset.Set
	m    *model.ClusIR
	opt  *optimizer
	plan schedule
	tape *model.Tape
	log  *log // nil for a run resumed after its end
	pace pace
	// routing is that of the current step, if it is logged.
	routing routing
	step    int // steps done
	best    float64
	// validated is the step of the last validation.
	validated int
	saved     string         // the last good checkpoint
	responses string         // model.ClusterResponses as JSON for the checkpoint, once the run is complete
	recipe    string         // the settings that made the weights, JSON for the checkpoint; "" if they are Config
	changed   bool           // there is state that no checkpoint holds yet
	lock      *os.File       // locks the folder against other runs
	batch     *dataset.Batch // of the current step
	reduce    *parallel.Reducer
	last      bool // the current backward pass completes the gradients of a step
}

func newRun(o Options, set *dataset.Set, report *dataset.Report) (r *run, err error) {
	if err := o.checkSettings(report); err != nil {
		return nil, err
	}
	t := o.Config.Train
	lock, err := prepareFolder(o)
	if err != nil {
		return nil, err
	}
	m, err := model.New(o.Config.Model.Config, o.Backend)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	r = &run{
		Options: o, t: t, set: set, m: m, plan: newSchedule(t, set.Len()), lock: lock, validated: never,
		tape: &model.Tape{B: o.Backend, Train: true, Recompute: t.Recompute},
	}
	m.Init(t.Seed)
	r.opt = newOptimizer(m, o.Backend, t)
	if err = r.start(); err == nil {
		err = r.join()
	}
	if err == nil && r.lead() && (r.step < r.plan.steps || r.owesValidation()) {
		r.log, err = openLog(filepath.Join(o.Out, logName), r.step, r.validated)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// start loads the weights that the run begins with, if they come from a file.
func (r *run) start() error {
	switch {
	case !r.lead(): // rank 0 sends them
	case r.Resume:
		return r.load(filepath.Join(r.Out, lastName))
	case r.InitFrom != nil:
		return r.warmStart(r.InitFrom)
	}
	return nil
}

func (r *run) close() {
	if r.reduce != nil {
		_ = r.reduce.Close() // every sum has been waited for
	}
	r.opt.free()
	r.m.Free()
	r.log.close()
	_ = r.lock.Close() // it was only read, or is nil
}

func (r *run) loop(ctx context.Context) (*Result, error) {
	loader, err := r.set.Load(context.WithoutCancel(ctx), dataset.LoadOptions{
		Batch: r.t.Batch, First: r.step, Workers: runtime.GOMAXPROCS(0), Ahead: batchesAhead,
		Rank: r.Group.Rank(), Ranks: r.Group.Size(), Parts: r.t.Accumulate,
	})
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	r.Progress.Set(r.step, r.plan.steps, "training")
	defer r.Progress.Clear()
	r.announce()
	// The initial weights are measured, so that the run's gain can be seen; and an
	// earlier run may have been interrupted during a validation.
	if err := r.validate(ctx); err != nil && ctx.Err() == nil {
		return nil, err
	}
	res := &Result{}
	for r.step < r.plan.steps {
		begin := time.Now()
		batch, err := loader.Next()
		if err != nil {
			return nil, r.rescue(err)
		}
		if stop, err := r.stopRequested(ctx); err != nil {
			return nil, r.rescue(err)
		} else if stop {
			break
		}
		if res.Terms, err = r.advance(batch); err != nil {
			return nil, r.outOfMemory(err)
		}
		r.pace.add(res.Terms, float64(r.t.Batch)/time.Since(begin).Seconds())
		r.Progress.Set(r.step, r.plan.steps, r.pace.String())
		if err := r.intervals(ctx, res.Terms); err != nil {
			return nil, err
		}
	}
	res.Step, res.Interrupted = r.step, r.step < r.plan.steps || r.owesValidation()
	res.Checkpoint = filepath.Join(r.Out, lastName)
	return res, r.finish()
}

// rescue saves the run after an error that left the network intact.
func (r *run) rescue(err error) error {
	if !r.lead() {
		return err
	}
	if saveErr := r.save(); saveErr != nil {
		return errors.Join(err, saveErr)
	}
	return fmt.Errorf("%w; step %d is saved, continue with --resume", err, r.step)
}

// intervals does what is due after a step.
func (r *run) intervals(ctx context.Context, terms model.Terms) error {
	if !r.lead() {
		return nil
	}
	due := func(every int) bool { return r.due(every, r.step) }
	if due(r.t.LogInterval) {
		if err := r.log.write(r.entry(terms, r.pace.perSecond)); err != nil {
			return err
		}
		if r.Progress == nil {
			fmt.Fprintln(r.Messages, r.pace.line(r.step, r.plan.steps, r.t.Batch))
		}
	}
	if err := r.validate(ctx); err != nil && ctx.Err() == nil {
		return r.rescue(err)
	}
	if due(r.t.CheckpointInterval) && r.step < r.plan.steps {
		return r.save()
	}
	return nil
}

// due reports whether an action at every interval is due after the given step.
func (r *run) due(every, step int) bool {
	return every > 0 && (step%every == 0 || step == r.plan.steps)
}

func (r *run) advance(batch *dataset.Batch) (model.Terms, error) {
	r.m.ZeroGrads()
	r.m.ResetCounts()
	r.routing, r.batch = routing{}, batch
	parts := r.t.Accumulate
	var mean model.Terms
	for p := range parts {
		terms, err := r.microBatch(batch, p, parts)
		if err != nil {
			return mean, err
		}
		share := 1 / float64(parts)
		mean.Loss += share * terms.Loss
		mean.L1 += share * terms.L1
		mean.MSSSIM += share * terms.MSSSIM
		mean.Orthogonality += share * terms.Orthogonality
	}
	own := mean
	if err := r.gather(&mean); err != nil {
		return mean, err
	}
	if err := r.Backend.Sync(); err != nil {
		return mean, fmt.Errorf("step %d: %w", r.step+1, r.reduce.Explain(err))
	}
	switch {
	case finite(mean):
	case finite(own):
		<-r.Group.Context().Done() // by the rank whose loss is not finite; its error names the batch
		return mean, r.reduce.Err()
	default:
		return mean, r.diverged(fmt.Sprintf("loss is not finite (%+v)", mean))
	}
	r.opt.step(r.plan.rate(r.step))
	r.step++
	r.changed, r.recipe, r.responses = true, "", ""
	return mean, nil
}

// microBatch adds the gradients of one part of a batch.
func (r *run) microBatch(batch *dataset.Batch, part, parts int) (terms model.Terms, err error) {
	defer r.recoverStopped(&err)
	r.last = part == parts-1
	n := batch.B / parts
	size := n * 3 * batch.P * batch.P
	at := part * size
	image := r.tape.Input(batch.Input[at:at+size], n, 3, batch.P, batch.P)
	clean := r.tape.Input(batch.Target[at:at+size], n, 3, batch.P, batch.P)
	noise := model.Gaussian{Seed: r.t.Seed, Step: r.step, First: batch.First[part]}
	restored, routes := r.m.Forward(r.tape, image, model.Options{Noise: noise})
	if r.due(r.t.LogInterval, r.step+1) {
		r.routing.add(r.tape, routes)
	}
	balance := newBalance(r.tape, routes, r.t.BalanceWeight)
	var importance *model.Var
	if r.t.RelativeError {
		importance = r.tape.Input(relativeImportance(batch.Input[at:at+size], batch.Target[at:at+size], n), n)
	}
	loss := objective(r.t).Loss(r.tape, r.m, restored, clean, importance)
	share := 1 / float64(parts*r.Group.Size()) // of the objective
	loss.Backward(r.tape, share, balance.seeds(share)...)
	terms = loss.Terms(r.Backend)
	r.tape.Reset()
	return terms, nil
}

func objective(t config.Train) model.Objective {
	return model.Objective{L1: 1, Smooth: t.SmoothL1, MSSSIM: t.MSSSIMWeight, Orthogonality: t.OrthogonalityWeight}
}

// diverged formats an error about values that are not finite, with the samples seen
// last.
func (r *run) diverged(what string) error {
	if r.batch == nil {
		return fmt.Errorf("the %s; %s", what, r.lastGood())
	}
	var files []string
	for _, i := range r.batch.Info {
		files = append(files, "  "+i.String())
	}
	return fmt.Errorf("step %d: the %s; %s. Try a lower train.lr or train.grad_clip. The batch was\n%s",
		r.batch.Step+1, what, r.lastGood(), strings.Join(files, "\n"))
}
