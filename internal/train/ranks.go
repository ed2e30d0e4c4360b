package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"clusir/internal/arch"
	"clusir/internal/autograd"
	"clusir/internal/config"
	"clusir/internal/dataset"
	"clusir/internal/model"
	"clusir/internal/parallel"
)

// The part of a run that concerns its ranks. Each rank computes the gradients of its
// part of every batch; they are added up during the backward pass; then every rank
// takes the same optimiser step from the same bits. Only rank 0 reads and writes the
// run's folder and prints messages.

// inGroup returns the options of a rank: alone, or in a group of which only rank 0
// prints messages.
func (o Options) inGroup() Options {
	if o.Group == nil {
		o.Group = parallel.Local(1)[0]
	}
	if o.Group.Rank() > 0 {
		o.Validate, o.Progress, o.Messages = nil, nil, io.Discard
	}
	return o
}

// lead reports whether this rank is the one that writes.
func (r *run) lead() bool { return r.Group.Rank() == 0 }

// checkShares reports a batch that cannot be divided among the ranks.
func checkShares(t config.Train, m arch.Config, ranks int) error {
	parts := t.Accumulate * ranks
	if t.Batch%parts != 0 {
		return fmt.Errorf("train.batch %d does not divide among %d ranks that compute it in train.accumulate %d parts: choose a multiple of %d",
			t.Batch, ranks, t.Accumulate, parts)
	}
	seen := t.Batch / parts
	if t.SyncBatchNorm {
		seen *= ranks
	}
	if seen < m.MinTrainingBatch() {
		return fmt.Errorf("train.batch %d in %d parts is %d sample at a time, but BatchNorm needs %d: raise train.batch, lower train.accumulate, or set train.sync_batchnorm if there are several ranks",
			t.Batch, parts, seen, m.MinTrainingBatch())
	}
	return nil
}

// join makes the run one of its group's ranks, with rank 0's state.
func (r *run) join() error {
	var err error
	r.reduce, err = parallel.NewReducer(r.Group, r.Backend, func(text string) { fmt.Fprintln(r.Messages, text) })
	if err != nil || r.Group.Size() == 1 {
		return err
	}
	r.tape.Before = r.reduce.Err
	if r.t.SyncBatchNorm {
		r.tape.Peers = r.reduce
	}
	for _, p := range r.m.Params {
		p.OnGrad(func() {
			if r.last {
				r.reduce.Add(p.Grad())
			}
		})
	}
	if err := r.agree(); err != nil {
		return err
	}
	return r.adopt()
}

// handshake is what all ranks of a run must agree on.
type handshake struct {
	Recipe  string
	Samples int
	Data    dataset.Inventory
	Device  string
}

var deviceNumber = regexp.MustCompile(`^cuda:\d+`)

func (r *run) handshake() (handshake, error) {
	c := *r.Config
	c.Data, c.Device, c.Threads, c.Eval = "", "", 0, config.Eval{} // may differ between ranks
	c.Precision = ""                                               // part of Device
	recipe, err := c.Recipe()
	return handshake{recipe, r.set.Len(), r.set.Inventory(), deviceNumber.ReplaceAllString(r.Device, "cuda")}, err
}

// agree compares this rank's settings, data and device with rank 0's.
func (r *run) agree() error {
	own, err := r.handshake()
	if err != nil {
		return err
	}
	text, err := json.Marshal(own)
	if err != nil {
		return err
	}
	if text, err = parallel.BroadcastBytes(r.Group, text); err != nil {
		return err
	}
	var first handshake
	if err := json.Unmarshal(text, &first); err != nil {
		return fmt.Errorf("rank 0 does not belong to this run: %w", err)
	}
	switch {
	case own.Recipe != first.Recipe:
		return otherSettings(own.Recipe, first.Recipe)
	case own.Samples != first.Samples:
		return fmt.Errorf("a training set of %d samples, rank 0's has %d: give all ranks the same data", own.Samples, first.Samples)
	case !slices.Equal(own.Data, first.Data):
		return errors.New("training pictures with other names than rank 0's: give all ranks the same data")
	case own.Device != first.Device:
		return fmt.Errorf("computing on %s, rank 0 on %s, whose results differ in their last bits, so that the weights would drift apart: choose the same --device and --isa for all", own.Device, first.Device)
	}
	return nil
}

// otherSettings is the error of a rank whose recipe is not rank 0's.
func otherSettings(own, first string) error {
	is, err := config.ParseRecipe(own)
	zero, err0 := config.ParseRecipe(first)
	if err := errors.Join(err, err0); err != nil {
		return err
	}
	lines, err := changes(*zero, *is, "rank 0 has")
	if err != nil {
		return err
	}
	network, err := networkChanges(zero.Model.Config, is.Model.Config, "rank 0 has")
	if err != nil {
		return err
	}
	lines = append(lines, network...)
	if len(lines) == 0 {
		lines = []string{"a setting that one of their versions of clusir lacks: use the same version"}
	}
	return fmt.Errorf("settings that differ from rank 0's: start all ranks with the same configuration\n  %s", strings.Join(lines, "\n  "))
}

// adopt gives every rank the state of rank 0, which may have read it from a file.
func (r *run) adopt() error {
	text, err := parallel.BroadcastBytes(r.Group, []byte(strconv.Itoa(r.step)))
	if err != nil {
		return err
	}
	if r.step, err = strconv.Atoi(string(text)); err != nil {
		return err
	}
	for _, t := range r.opt.tensors() {
		x := autograd.Fetch(r.Backend, t.Tensor)
		if err := r.Group.Broadcast(x); err != nil {
			return err
		}
		r.Backend.Upload(t.Tensor, x)
	}
	return nil
}

// stopRequested reports whether any rank was asked to stop, so that all ranks stop
// after the same step.
func (r *run) stopRequested(ctx context.Context) (bool, error) {
	stop := make([]float32, 1)
	if ctx.Err() != nil {
		stop[0] = 1
	}
	err := r.Group.AllReduce(stop)
	return stop[0] > 0, err
}

// recoverStopped turns the panic of a pass that the end of the group stopped into an
// error.
func (r *run) recoverStopped(err *error) {
	switch p := recover().(type) {
	case nil:
	case *autograd.Stopped:
		r.tape.Reset()
		*err = p.Err
	default:
		panic(p)
	}
}

// gather completes the step's gradients, counts and values over the ranks. The
// gradients are already weighted for the sum; the values become means.
func (r *run) gather(mean *model.Terms) error {
	ranks := r.Group.Size()
	if ranks == 1 {
		return nil
	}
	for _, e := range r.m.MoE {
		r.reduce.Add(e.Count.Tensor) // which parameters any rank's samples reached
	}
	if err := r.reduce.Wait(); err != nil {
		return err
	}
	values := append(r.routing.numbers(), &mean.Loss, &mean.L1, &mean.MSSSIM, &mean.Orthogonality)
	x := make([]float32, len(values))
	for i, v := range values {
		x[i] = float32(*v / float64(ranks))
	}
	if err := r.Group.AllReduce(x); err != nil {
		return err
	}
	for i, v := range values {
		*v = float64(x[i])
	}
	return nil
}

// finish writes the run's final files; no rank ends before that is done.
func (r *run) finish() error {
	if r.lead() && !r.complete() {
		if err := r.save(); err != nil { // the next part takes a while and can fail
			return err
		}
		if err := r.learnResponses(); err != nil {
			return err
		}
		if r.responses != "" {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	if r.lead() { // also for a complete run, which may have been killed before it
		if err := writeCurve(r.Out); err != nil {
			return err
		}
	}
	return r.Group.Barrier()
}
