package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"clusir/internal/arch"
)

// KeyAnswers is the key in a checkpoint's metadata of what its clusters answered
// to in training; see Answers.
const KeyAnswers = "affinity"

// Answers tells, for each stage and each of its clusters, what the cluster
// answered to in training: the share of each degradation in what the cluster was
// kept for, weighted by α. In a checkpoint's metadata it is JSON under
// KeyAnswers:
//
//	[[{"rain": 0.71, "noise": 0.22, "haze": 0.07}, {...}, ...], ...]
type Answers [][]map[string]float64

// ReadAnswers returns what the metadata of a model of configuration c hold, nil
// if they hold nothing.
func ReadAnswers(metadata map[string]string, c arch.Config) (Answers, error) {
	text, ok := metadata[KeyAnswers]
	if !ok {
		return nil, nil
	}
	var a Answers
	err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&a)
	if err == nil {
		err = a.check(c)
	}
	if err != nil {
		return nil, fmt.Errorf("the model's metadata %q: %w", KeyAnswers, err)
	}
	return a, nil
}

func (a Answers) check(c arch.Config) error {
	if len(a) != arch.Stages {
		return fmt.Errorf("it is about %d stages of %d", len(a), arch.Stages)
	}
	for l, clusters := range a {
		if len(clusters) != c.Clusters[l] {
			return fmt.Errorf("stage %d has %d clusters, not %d", l+1, c.Clusters[l], len(clusters))
		}
		for _, shares := range clusters {
			for _, s := range shares {
				if s < 0 || s > 1 || math.IsNaN(s) {
					return errors.New("a share is not between 0 and 1")
				}
			}
		}
	}
	return nil
}
