package restore

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"clusir/internal/model"
	"clusir/internal/palette"
	"clusir/internal/userfile"
)

// formatShares lists the degradations that a cluster responds to, or that a picture
// looks like, strongest first: "rain 0.71, noise 0.22".
func formatShares(shares map[string]float64) string {
	names := slices.SortedFunc(maps.Keys(shares), func(x, y string) int {
		return cmp.Or(cmp.Compare(shares[y], shares[x]), cmp.Compare(x, y))
	})
	var parts []string
	for _, name := range names {
		if shares[name] >= 0.005 {
			parts = append(parts, fmt.Sprintf("%s %.2f", name, shares[name]))
		}
	}
	return strings.Join(parts, ", ")
}

// Resembles returns which degradations a picture resembles for the network, as shares
// of 1: those that its clusters responded to in training, weighted by each cluster's
// part, averaged over the stages. It is nil without routing or responses.
func Resembles(routing []StageRouting, a model.ClusterResponses) map[string]float64 {
	if a == nil || len(routing) == 0 {
		return nil
	}
	shares, all := map[string]float64{}, 0.
	for l, s := range routing {
		for c, kept := range s.Kept {
			for name, share := range a[l][c] {
				shares[name] += float64(kept) * share
				all += float64(kept) * share
			}
		}
	}
	if all == 0 {
		return nil
	}
	for name := range shares {
		shares[name] /= all
	}
	return shares
}

// Explain prints how the network routed the picture: the probability of each cluster at
// each stage, and the experts that ran with their weights.
func (r Result) Explain(w io.Writer, responses model.ClusterResponses) {
	tiling := "as a whole"
	if r.Tiles > 1 {
		tiling = fmt.Sprintf("in %d tiles of up to %d×%d, routed together", r.Tiles, r.TileW, r.TileH)
	}
	if r.barred() {
		tiling = fmt.Sprintf("the %d×%d between its bars %s", r.Inside.Dx(), r.Inside.Dy(), tiling)
	}
	fmt.Fprintf(w, "%s: %d×%d, %s\n", userfile.OneLine(r.In), r.W, r.H, tiling)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tw, "  stage\tcluster\tcolour\tposterior\tkept\texperts and weights\tin training\n")
	for l, s := range r.Routing {
		for c, p := range s.Posterior {
			var experts []string
			for _, e := range s.Experts {
				if e.Cluster == c {
					experts = append(experts, fmt.Sprintf("%d: %.2f", e.Expert+1, e.Weight))
				}
			}
			inTraining := ""
			if responses != nil {
				inTraining = formatShares(responses[l][c])
			}
			fmt.Fprintf(tw, "  %d\t%d\t%s\t%.2f\t%.2f\t%s\t%s\n", l+1, c+1, palette.Cluster(c).Name, p, s.Kept[c],
				strings.Join(experts, ", "), inTraining)
		}
	}
	tw.Flush()
	if responses == nil {
		fmt.Fprintln(w, "  The model's file does not say what its clusters responded to in training.")
	}
	if r.Map != "" {
		fmt.Fprintf(w, "  affinity map: %s\n", userfile.OneLine(r.Map))
	}
}

// Record is a Result as one line of JSON.
type Record struct {
	Input   string         `json:"input"`
	Output  string         `json:"output"`
	Format  string         `json:"format,omitempty"`
	Width   int            `json:"width,omitempty"`
	Height  int            `json:"height,omitempty"`
	Depth   int            `json:"depth,omitempty"`
	Model   string         `json:"model"`
	Device  string         `json:"device"`
	Pages   int            `json:"pages,omitempty"`
	Inside  []int          `json:"inside,omitempty"` // left, top, width and height of what is between bars
	Tiles   int            `json:"tiles,omitempty"`
	Tile    []int          `json:"tile,omitempty"` // width and height of the largest
	Load    float64        `json:"load_ms"`
	Compute float64        `json:"compute_ms"`
	Save    float64        `json:"save_ms"`
	Routing []StageRouting `json:"routing,omitempty"`
	Compare string         `json:"compare,omitempty"`
	Map     string         `json:"affinity_map,omitempty"`
	Notes   []string       `json:"notes,omitempty"`
	Error   string         `json:"error,omitempty"`
	Skipped bool           `json:"skipped,omitempty"`
	Name    string         `json:"name,omitempty"` // below the named folder
}

// milliseconds rounds to microseconds: the times of two runs agree in fewer digits.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// Record returns the result in the form of its JSON.
func (r Result) Record(modelName, device string) Record {
	rec := Record{
		Name: r.name, Input: r.In, Output: r.Out, Width: r.W, Height: r.H, Depth: r.Depth, Model: modelName, Device: device,
		Pages: r.Pages, Tiles: r.Tiles, Load: milliseconds(r.Load), Compute: milliseconds(r.Compute), Save: milliseconds(r.Save),
		Routing: r.Routing, Compare: r.Compare, Map: r.Map, Notes: r.Notes,
	}
	if r.Format != 0 {
		rec.Format = r.Format.String()
	}
	if i := r.Inside; r.barred() {
		rec.Inside = []int{i.Min.X, i.Min.Y, i.Dx(), i.Dy()}
	}
	if r.Tiles > 0 {
		rec.Tile = []int{r.TileW, r.TileH}
	}
	if r.Err != nil {
		rec.Error = r.Err.Error()
	}
	return rec.plain()
}
