package train

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"clusir/internal/arch"
	"clusir/internal/dataset"
	"clusir/internal/model"
)

// responseBatches is the largest number of batches routed to learn what clusters respond
// to.
const responseBatches = 64

// learnResponses routes the samples that would come next, once the run is complete, and
// stores in r.responses what each cluster responded to, for the checkpoint.
func (r *run) learnResponses() error {
	if !r.m.Config.UseMoE || r.step < r.plan.steps {
		return nil
	}
	loader, err := r.set.Load(context.Background(), dataset.LoadOptions{Batch: r.t.Batch, First: r.step, Workers: 2})
	if err != nil {
		return err
	}
	defer loader.Close()
	use := clusterUse{}
	err = r.opt.withAverage(func() error {
		for range min(responseBatches, r.plan.steps) {
			batch, err := loader.Next()
			if err != nil {
				return err
			}
			if err := r.routeBatch(use, batch); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	text, err := json.Marshal(use.responses(r.m.Config))
	r.responses = string(text)
	return err
}

// routeBatch adds the routing of a batch in inference to use.
func (r *run) routeBatch(use clusterUse, batch *dataset.Batch) error {
	tape := &model.Tape{B: r.Backend}
	defer tape.Reset()
	image := tape.Input(batch.Input, batch.B, 3, batch.P, batch.P)
	_, routes := r.m.Forward(tape, image, model.Options{})
	for l, route := range routes {
		for i, sample := range route.Fetch(tape) {
			use.add(dataset.Word(batch.Info[i].Task), l, sample.Alpha)
		}
	}
	return r.Backend.Sync()
}

// clusterUse holds, by task and stage, the sum of α per cluster over the samples,
// followed by the number of samples.
type clusterUse map[string]*[arch.Stages][]float64

func (u clusterUse) add(task string, stage int, alpha []float32) {
	if u[task] == nil {
		u[task] = &[arch.Stages][]float64{}
	}
	sums := &u[task][stage]
	if *sums == nil {
		*sums = make([]float64, len(alpha)+1)
	}
	for c, a := range alpha {
		(*sums)[c] += float64(a)
	}
	(*sums)[len(alpha)]++
}

// responses turns the sums into shares. Every task has the same weight, however many
// samples it had.
func (u clusterUse) responses(c arch.Config) model.ClusterResponses {
	a := make(model.ClusterResponses, arch.Stages)
	for l := range a {
		for cluster := range c.Clusters[l] {
			shares, total := map[string]float64{}, 0.
			for _, task := range slices.Sorted(maps.Keys(u)) {
				sums := u[task][l]
				shares[task] = sums[cluster] / sums[len(sums)-1]
				total += shares[task]
			}
			for task := range shares {
				if total > 0 {
					shares[task] /= total
				}
			}
			a[l] = append(a[l], shares)
		}
	}
	return a
}
