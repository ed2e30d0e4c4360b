package restore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"

	"clusir/internal/userfile"
)

// Summary counts the outcomes of a run's pictures.
type Summary struct {
	Restored, Failed int
	Pixels           int64
	Time             time.Duration
}

// err returns the error of a run in which some pictures could not be restored.
func (s Summary) err() error {
	if s.Failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s could not be restored", s.Failed, pictures(s.Failed+s.Restored))
}

// writeText prints the outcome of a plan on one line. The caller must check whether w
// was written.
func (s Summary) writeText(w io.Writer, p *Plan) {
	line := []string{pictures(s.Restored) + " restored"}
	if n := len(p.Skipped); n > 0 {
		line = append(line, fmt.Sprintf("%d skipped", n))
	}
	if s.Failed > 0 {
		line = append(line, fmt.Sprintf("%d failed", s.Failed))
	}
	if len(p.Ignored) > 0 {
		line = append(line, leftAlone(p.Ignored))
	}
	seconds, rate := s.Time.Seconds(), ""
	if s.Restored > 0 {
		rate = fmt.Sprintf(" (%.2f images/s, %.2f megapixels/s)", float64(s.Restored)/seconds, float64(s.Pixels)/1e6/seconds)
	}
	fmt.Fprintf(w, "%s in %.1f s%s\n", strings.Join(line, ", "), seconds, rate)
}

// leftAlone counts files that are not pictures, and names their most frequent types.
func leftAlone(types map[string]int) string {
	const listed = 5
	all := 0
	for _, n := range types {
		all += n
	}
	names := slices.SortedFunc(maps.Keys(types), func(a, b string) int {
		return cmp.Or(cmp.Compare(types[b], types[a]), cmp.Compare(a, b))
	})
	rest := all
	var named []string
	for _, name := range names[:min(len(names), listed)] {
		rest -= types[name]
		named = append(named, fmt.Sprintf("%d %s", types[name], cmp.Or(userfile.OneLine(name), "without an extension")))
	}
	if rest > 0 {
		named = append(named, fmt.Sprintf("%d of other types", rest))
	}
	return fmt.Sprintf("%s left alone (%s)", english.Plural(all, "other file", ""), strings.Join(named, ", "))
}

func pictures(n int) string { return english.Plural(n, "picture", "") }

// plain returns the record as JSON can represent it.
func (r Record) plain() Record {
	for _, name := range []*string{&r.Input, &r.Output, &r.Compare, &r.Map, &r.Error} {
		*name = userfile.Text(*name)
	}
	if _, err := json.Marshal(r.Routing); err != nil { // no number
		r.Routing, r.Notes = nil, append(slices.Clone(r.Notes), fmt.Sprintf("the routing is left out: %v", err))
	}
	return r
}

func (r Record) json() []byte {
	line, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain left nothing that could fail
	}
	return append(line, '\n')
}
