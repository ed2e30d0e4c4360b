package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"clusir/internal/arch"
	"clusir/internal/userfile"
)

// KeyResponses is the key of the ClusterResponses in a checkpoint's metadata.
const KeyResponses = "affinity"

// ClusterResponses holds, for each cluster of each stage, which degradations it
// responded to in training: the share of each degradation in the samples that kept the
// cluster, weighted by α. A checkpoint's metadata hold it as JSON under KeyResponses:
//
//	[[{"rain": 0.71, "noise": 0.22, "haze": 0.07}, {...}, ...], ...]
type ClusterResponses [][]map[string]float64

// ReadResponses returns the responses in the metadata of a model with configuration c,
// or nil if there are none.
func ReadResponses(metadata map[string]string, c arch.Config) (ClusterResponses, error) {
	text, ok := metadata[KeyResponses]
	if !ok {
		return nil, nil
	}
	var a ClusterResponses
	err := userfile.PlainJSON(json.Unmarshal([]byte(text), &a))
	if err == nil {
		err = a.check(c)
	}
	if err != nil {
		return nil, fmt.Errorf("the model's metadata %q: %w", KeyResponses, err)
	}
	return a, nil
}

func (a ClusterResponses) check(c arch.Config) error {
	if len(a) != arch.Stages {
		return fmt.Errorf("it has %d stages, but the model has %d", len(a), arch.Stages)
	}
	for l, clusters := range a {
		if len(clusters) != c.Clusters[l] {
			return fmt.Errorf("stage %d needs %d clusters, but has %d", l+1, c.Clusters[l], len(clusters))
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
