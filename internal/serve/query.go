package serve

import (
	"cmp"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"clusir/internal/imageio"
	"clusir/internal/restore"
	"clusir/internal/suggest"
)

// query is what a request asks for.
type query struct {
	restore.Choices
	format  imageio.Format // 0 means the picture's
	use     use
	explain bool
	json    bool // respond with the report and the picture as JSON
}

// Flags of restore that requests cannot have: for files, and for what computes.
var (
	ofFiles   = []string{"output", "overwrite", "skip-existing", "suffix", "compare", "results", "shard"}
	ofMachine = []string{"device", "precision", "threads", "isa", "max-memory", "model-config"}
)

// query parses the flags of a request: restore's, with restore's checks.
func (s *Server) query(r *http.Request) (q query, err error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, badRequest("the query cannot be read: %w", err)
	}
	f := pflag.NewFlagSet("query", pflag.ContinueOnError)
	q.AddFlags(f)
	q.MaxPixels = s.MaxPixels
	name := f.String("model", s.Models[0].Name, "")
	q.use.ensemble.AddFlag(f)
	f.BoolVar(&q.explain, "explain", false, "")
	f.BoolVar(&q.json, "json", false, "")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := setFlag(f, key, values[key]); err != nil {
			return q, err
		}
	}
	if q.format, err = q.ReadFlags(f); err != nil {
		return q, badRequest("%w", err)
	}
	if q.MaxPixels > s.MaxPixels {
		return q, badRequest("--max-pixels %d: this server takes pictures of at most %d", q.MaxPixels, s.MaxPixels)
	}
	q.json = q.json || wantsJSON(r)
	if q.explain && !q.json {
		return q, badRequest("--explain needs an answer in JSON: add json to the query, or send Accept: application/json")
	}
	q.use.model, err = s.find(*name)
	return q, err
}

func setFlag(f *pflag.FlagSet, name string, values []string) error {
	switch {
	case slices.Contains(ofFiles, name):
		return badRequest("--%s is for files, but a request has none: the answer is the picture", name)
	case slices.Contains(ofMachine, name):
		return badRequest("--%s is chosen when the server starts: clusir serve --%s", name, name)
	case len(values) > 1:
		return badRequest("--%s is given %d times: give it once", name, len(values))
	}
	value := values[0]
	if flag := f.Lookup(name); flag != nil && flag.NoOptDefVal != "" && value == "" {
		value = flag.NoOptDefVal
	} else if flag != nil && value == "" && name != "format" {
		return badRequest("--%s is empty: give it a value, or leave it out", name)
	}
	if err := f.Set(name, value); err != nil {
		return badRequest("%w", suggest.FlagError(f, err))
	}
	return nil
}

// find returns the model with a name. Only models that the server opened can be found.
func (s *Server) find(name string) (*Model, error) {
	var names []string
	for _, m := range s.Models {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return nil, badRequest("--model %s: this server has no such model: %s", name, suggest.Or(name, names))
}

// wantsJSON reports whether the client names JSON among what it accepts, and prefers no
// picture to it.
func wantsJSON(r *http.Request) bool {
	json, picture := 0., 0.
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, weights, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(cmp.Or(weights["q"], "1"), 64)
		switch {
		case err != nil:
		case media == "application/json":
			json = q
		case media == "*/*" || strings.HasPrefix(media, "image/"):
			picture = max(picture, q)
		}
	}
	return json > 0 && json >= picture
}

type statusError struct {
	error
	status int
}

// Unwrap returns the error itself.
func (e statusError) Unwrap() error { return e.error }

func withStatus(status int, format string, a ...any) error {
	return statusError{fmt.Errorf(format, a...), status}
}

func badRequest(format string, a ...any) error {
	return withStatus(http.StatusBadRequest, format, a...)
}
