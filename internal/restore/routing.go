package restore

import "clusir/internal/model"

// StageRouting is how the router of one stage routed a picture.
type StageRouting struct {
	Posterior []float32      `json:"posterior"` // p(C=c|x), Eq. 5
	Kept      []float32      `json:"kept"`      // α, Eq. 6: 0 for clusters that are not kept
	Experts   []ExpertWeight `json:"experts"`
}

// ExpertWeight is the weight of an expert in the result of its stage: α_c p(e|c,x).
type ExpertWeight struct {
	Cluster int     `json:"cluster"` // from 0, like the expert within it
	Expert  int     `json:"expert"`
	Weight  float32 `json:"weight"`
}

// describe fetches the routing of the last pass.
func (r *run) describe(routes []*model.Route) []StageRouting {
	experts := r.net.Model.Config.Experts
	var stages []StageRouting
	for _, route := range routes {
		picture := route.Fetch(r.net.Tape())[0]
		s := StageRouting{Posterior: picture.Posterior, Kept: picture.Alpha}
		for e, w := range picture.Weights {
			if w != 0 {
				s.Experts = append(s.Experts, ExpertWeight{e / experts, e % experts, w})
			}
		}
		stages = append(stages, s)
	}
	return stages
}
