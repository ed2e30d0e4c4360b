package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"

	"clusir/internal/suggest"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

const envPrefix = "CLUSIR_"

// flagOf names the flag that overrides a setting. A command defines those it needs.
var flagOf = map[string]string{
	"data":           "data",
	"device":         "device",
	"precision":      "precision",
	"threads":        "threads",
	"train.seed":     "seed",
	"train.steps":    "steps",
	"train.epochs":   "epochs",
	"train.batch":    "batch",
	"train.patch":    "patch",
	"train.lr":       "lr",
	"eval.protocol":  "protocol",
	"eval.y_channel": "y-channel",
	"eval.seed":      "noise-seed",
}

// setFlag is the flag that sets any key: --set train.ema=0.999.
const setFlag = "set"

// AddSetFlag defines --set KEY=VALUE.
func AddSetFlag(flags *pflag.FlagSet) {
	flags.StringArray(setFlag, nil, "set any `KEY=VALUE` of the configuration, e.g. train.ema=0.999 (repeatable)")
}

// The sections of the settings, as they begin variables after CLUSIR_. The first ones
// are only for training. TASKS, a list of structs, cannot be set by a variable.
var (
	trainingSections = []string{"MODEL_", "TRAIN_", "TASKS"}
	sections         = append([]string{"EVAL_"}, trainingSections...)
)

// loader collects the settings and where each of them came from.
type loader struct {
	layers  []*layer // the lowest first
	origins map[string]string
	level   int            // the level being read; the lowest file's is 1
	levels  map[string]int // at which each key was last set
	faults  []string
	inFile  bool // one of the faults is in a file
	// ignored lists the sections whose variables this command does not use.
	ignored []string
}

// Load returns the settings of the configuration called name: a YAML file, or an
// embedded configuration with or without its extension; "" means Default. Only flags
// that the user changed count; flags may be nil. Mistakes in flags and variables alone
// are a [usage.Error].
func Load(name string, flags *pflag.FlagSet) (*Config, error) {
	var layers []*layer
	if name != "" {
		var err error
		if layers, err = (resolver{}).layers(name, "."); err != nil {
			return nil, err
		}
	}
	return merge(layers, flags, nil)
}

// LoadUntrained is Load for a command that has no configuration and does not train: it
// neither uses nor checks the environment's settings of models and training, which are
// for other runs.
func LoadUntrained(flags *pflag.FlagSet) (*Config, error) {
	return merge(nil, flags, trainingSections)
}

// newLoader returns a loader with the settings of files, the lowest first.
func newLoader(files []*layer, ignored []string) *loader {
	l := &loader{origins: map[string]string{}, levels: map[string]int{}, ignored: ignored}
	for _, file := range files {
		l.level++
		l.add(file)
	}
	return l
}

// merge puts the environment and the flags on top of the files.
func merge(layers []*layer, flags *pflag.FlagSet, ignored []string) (*Config, error) {
	l := newLoader(layers, ignored)
	l.addEnv()
	if flags != nil {
		l.addFlags(flags)
	}
	return l.config()
}

func (l *loader) fault(format string, a ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, a...))
}

// faultAt adds a fault in what was set at a place, "" for none.
func (l *loader) faultAt(at, format string, a ...any) {
	if at != "" {
		format = "%s: " + format
		a = append([]any{at}, a...)
	}
	l.fault(format, a...)
	l.inFile = l.inFile || at != "" && !strings.HasPrefix(at, "--") && !strings.HasPrefix(at, envPrefix)
}

// add puts a layer on top. Where it sets a list, the items of the one below are forgotten.
func (l *loader) add(above *layer) {
	l.layers = append(l.layers, above)
	maps.DeleteFunc(l.origins, func(old, _ string) bool {
		list, _, item := strings.Cut(old, "[")
		return item && above.origins[list] != ""
	})
	for key, at := range above.origins {
		l.origins[key], l.levels[key] = at, l.level
	}
}

// put sets a key to a value. Mistakes call it what, and its origin is at.
func (l *loader) put(what, at, key string, value *yaml.Node) {
	for _, name := range slices.Backward(strings.Split(key, ".")) {
		k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{k, value}}
	}
	one := &layer{name: what, root: value}
	if err := one.check(reflect.TypeFor[Config](), false); err != nil {
		l.fault("%v", err)
		return
	}
	one.origins = map[string]string{key: at}
	l.add(one)
}

// addEnv lets the environment set every key except tasks. A variable that begins with the
// name of a section but matches no key is a mistake; other CLUSIR_ variables are not
// settings.
func (l *loader) addEnv() {
	l.level++
	variables := viper.New()
	var names []string
	for _, leaf := range leaves() {
		if env := leaf.envName(); env != "" && !l.ignores(env) {
			names = append(names, env)
			_ = variables.BindEnv(leaf.key, env) // an error would mean that no key is given
			if text := variables.GetString(leaf.key); text != "" {
				l.put(env+"="+text, env, leaf.key, plain(leaf.typ, text))
			}
		}
	}
	for _, pair := range os.Environ() {
		env, _, _ := strings.Cut(pair, "=")
		if !slices.Contains(names, env) && begins(env, sections) && !l.ignores(env) {
			l.fault("%s", unknownEnv(env, names))
		}
	}
}

func unknownEnv(env string, names []string) string {
	if env == envPrefix+"TASKS" {
		return env + " sets nothing: a variable cannot hold tasks; set them in a file, or with --set tasks=[...]"
	}
	if near, ok := suggest.Nearest(env, names); ok {
		return fmt.Sprintf("%s sets nothing: did you mean %s?", env, near)
	}
	return env + " sets nothing: unset it, or set the key in a file"
}

func (l *loader) ignores(env string) bool { return begins(env, l.ignored) }

// begins reports whether a variable belongs to one of the sections.
func begins(env string, sections []string) bool {
	return slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(env, envPrefix+s) })
}

func (l *loader) addFlags(flags *pflag.FlagSet) {
	l.level++
	changed := viper.New()
	for _, leaf := range leaves() {
		name := flagOf[leaf.key]
		if f := flags.Lookup(name); f != nil {
			_ = changed.BindPFlag(leaf.key, f) // an error would mean that f is nil
		}
		if changed.IsSet(leaf.key) {
			text := changed.GetString(leaf.key)
			l.put("--"+name+" "+text, "--"+name, leaf.key, plain(leaf.typ, text))
		}
	}
	if flags.Lookup(setFlag) == nil {
		return
	}
	pairs, err := flags.GetStringArray(setFlag)
	if err != nil {
		panic(err) // it is not the flag that AddSetFlag defines
	}
	for _, pair := range pairs {
		l.set(pair)
	}
}

// set applies one --set KEY=VALUE. The value is YAML, as in a file.
func (l *loader) set(pair string) {
	key, text, ok := strings.Cut(pair, "=")
	switch {
	case !ok || slices.Contains(strings.Split(key, "."), ""):
		l.fault("--set %s: write KEY=VALUE, e.g. --set train.lr=1e-4", pair)
		return
	case key == "extends":
		l.fault("--set %s: name the configuration with --config instead", pair)
		return
	}
	root, err := userfile.YAML([]byte(text))
	if err != nil {
		l.fault("--set %s: %v", pair, err)
		return
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	l.put("--set "+pair, "--set", key, root)
}

// config decodes and validates the settings.
func (l *loader) config() (*Config, error) {
	c := Default()
	if len(l.faults) == 0 {
		if err := decode(l.layers, &c); err != nil {
			return nil, err
		}
		l.chooseLength(&c.Train)
		for _, p := range c.validate() {
			l.faultAt(l.origin(p.key), "%s%s", p.key, p.text)
		}
	}
	if len(l.faults) == 0 {
		return &c, nil
	}
	slices.Sort(l.faults)
	err := errors.New(strings.Join(l.faults, "\n"))
	if l.inFile {
		return nil, err
	}
	return nil, usage.Of(err) // of flags and variables alone
}

// decode reads layers into c, the lowest first; each changes what it sets. That is done
// twice, because the fields of a model change those of its variant, whichever layer
// chooses that.
func decode(layers []*layer, c *Config) error {
	for range 2 {
		c.Model = variant(c.Model.Variant)
		for _, l := range layers {
			if l.root == nil {
				continue
			}
			if err := l.root.Decode(c); err != nil {
				return fmt.Errorf("%s: %w", l.name, userfile.PlainYAML(err))
			}
			if file := c.Eval.BenchmarkFile; file != "" && l.dir != "" && l.origins["eval.benchmark_file"] != "" {
				c.Eval.BenchmarkFile = within(l.dir, file)
			}
		}
	}
	return nil
}

// chooseLength decides whether steps or epochs determine the length of the run: epochs
// do if they were set at a higher level, or if steps are 0.
func (l *loader) chooseLength(t *Train) {
	const steps, epochs = "train.steps", "train.epochs"
	at := l.origins[steps]
	switch {
	case at == "":
	case l.levels[epochs] > l.levels[steps]:
		t.Steps = 0
	case t.Steps == 0 && l.levels[epochs] < l.levels[steps]:
		l.faultAt(at, "%s = 0: must be 1 or more; leave it out to train for %s", steps, epochs)
	}
}

// origin returns where key was set, "" if nowhere; for keys missing in a list item,
// where the item or the list is.
func (l *loader) origin(key string) string {
	for {
		if at, ok := l.origins[key]; ok {
			return at
		}
		i := strings.LastIndexAny(key, ".[")
		if i < 0 {
			return ""
		}
		key = key[:i]
	}
}
