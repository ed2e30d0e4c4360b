package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"clusir/internal/eval"
)

// mostImages is how many images a comparison lists unless it is to list all.
const mostImages = 10

func (o *evalOptions) runCompare() error {
	var reports [2]*eval.Report
	for i, name := range o.Compare {
		r, err := o.side(i, name)
		if err != nil {
			return err
		}
		reports[i] = r
	}
	c, err := eval.Compare(reports[0], reports[1], o.Bootstrap)
	if err != nil {
		return err
	}
	if err := o.writeComparison(c); err != nil {
		return err
	}
	return errors.Join(reports[0].Failed(), reports[1].Failed())
}

// side measures one of two models, or reads its results.
func (o *evalOptions) side(i int, name string) (*eval.Report, error) {
	if files := strings.Split(name, ","); eval.IsResults(files[0]) {
		return eval.Merge(files...)
	}
	if o.Benchmark == "" {
		return nil, usage("name what to measure with --benchmark, such as --benchmark cbsd68")
	}
	benchmarks, err := o.benchmarks(o.Benchmark)
	if err != nil {
		return nil, err
	}
	results, err := o.resultsOf("AB"[i : i+1])
	if err != nil {
		return nil, err
	}
	return o.measure(name, results, benchmarks, nil)
}

func (o *evalOptions) writeComparison(c *eval.Comparison) error {
	switch {
	case o.Format == "json":
		return json.NewEncoder(o.out).Encode(c)
	case o.Images:
		return c.ImageTable(0).Write(o.out, o.Format)
	case o.Format != "text":
		return c.Table().Write(o.out, o.Format)
	}
	if err := c.Table().Write(o.out, o.Format); err != nil {
		return err
	}
	fmt.Fprintln(o.out)
	return c.ImageTable(mostImages).Write(o.out, o.Format)
}
