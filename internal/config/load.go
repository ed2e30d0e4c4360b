package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"clusir/internal/suggest"
	"clusir/internal/usage"
)

const envPrefix = "CLUSIR_"

// flagKeys names the setting that a command's flag overrides. A command defines those
// it needs.
var flagKeys = map[string]string{
	"data":       "data",
	"device":     "device",
	"precision":  "precision",
	"threads":    "threads",
	"seed":       "train.seed",
	"steps":      "train.steps",
	"epochs":     "train.epochs",
	"batch":      "train.batch",
	"patch":      "train.patch",
	"lr":         "train.lr",
	"protocol":   "eval.protocol",
	"y-channel":  "eval.y_channel",
	"noise-seed": "eval.seed",
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
	viper   *viper.Viper
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
func newLoader(files []*layer, ignored []string) (*loader, error) {
	l := &loader{viper: viper.New(), origins: map[string]string{}, levels: map[string]int{}, ignored: ignored}
	for _, file := range files {
		if err := l.addFile(file); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// merge puts the environment and the flags on top of the files.
func merge(layers []*layer, flags *pflag.FlagSet, ignored []string) (*Config, error) {
	l, err := newLoader(layers, ignored)
	if err != nil {
		return nil, err
	}
	l.bindEnv()
	if flags != nil {
		l.bindFlags(flags)
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

// place records where a key is set.
func (l *loader) place(key, at string) { l.origins[key], l.levels[key] = at, l.level }

// replace is place for a whole key; it forgets the items of a list below it.
func (l *loader) replace(key, at string) {
	maps.DeleteFunc(l.origins, func(old, _ string) bool { return strings.HasPrefix(old, key+"[") })
	l.place(key, at)
}

func (l *loader) addFile(file *layer) error {
	l.level++
	for _, leaf := range leaves() {
		if at, ok := file.origins[leaf.key]; ok {
			l.replace(leaf.key, at)
		}
	}
	for key, at := range file.origins {
		l.place(key, at)
	}
	return l.viper.MergeConfigMap(file.values)
}

// bindEnv lets the environment set every key except lists of structs. A variable that
// begins with the name of a section but matches no key is a mistake; other CLUSIR_
// variables are not settings.
func (l *loader) bindEnv() {
	l.level++
	names := map[string]string{}
	for _, leaf := range leaves() {
		if env := leaf.envName(); env != "" && !l.ignores(env) {
			names[env] = leaf.key
			// An error would mean that no key is given.
			_ = l.viper.BindEnv(leaf.key, env)
			if text := os.Getenv(env); text != "" {
				l.place(leaf.key, env)
				number := leaf.typ.Kind() == reflect.Int || leaf.typ.Kind() == reflect.Uint64
				if err := decode(reflect.New(leaf.typ).Interface(), text); err != nil || number && usage.Octal(text) {
					l.fault("%s: %s = %q: must be %s", env, leaf.key, text, described[leaf.typ.Kind()])
				}
			}
		}
	}
	for _, pair := range os.Environ() {
		env, _, _ := strings.Cut(pair, "=")
		if _, ok := names[env]; !ok && begins(env, sections) && !l.ignores(env) {
			l.fault("%s", unknownEnv(env, slices.Sorted(maps.Keys(names))))
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

func (l *loader) bindFlags(flags *pflag.FlagSet) {
	l.level++
	for name, key := range flagKeys {
		if f := flags.Lookup(name); f != nil && f.Changed {
			_ = l.viper.BindPFlag(key, f) // an error would mean that f is nil
			l.place(key, "--"+name)
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
	names := strings.Split(key, ".")
	if !ok || slices.Contains(names, "") {
		l.fault("--set %s: write KEY=VALUE, e.g. --set train.lr=1e-4", pair)
		return
	}
	one, err := parsePair("--set "+pair, names, text)
	if err != nil {
		l.fault("%s", strings.ReplaceAll(err.Error(), "--set "+pair+":1:", "--set "+pair+":"))
		return
	}
	if one.extends != "" {
		l.fault("--set %s: name the configuration with --config instead", pair)
	}
	for _, leaf := range leaves() {
		if v := lookup(one.values, strings.Split(leaf.key, ".")); v != nil {
			l.viper.Set(leaf.key, v)
			l.replace(leaf.key, "--set")
		}
	}
}

func lookup(values map[string]any, path []string) any {
	v := values[path[0]]
	if sub, ok := v.(map[string]any); ok && len(path) > 1 {
		return lookup(sub, path[1:])
	}
	return v
}

// config decodes and validates the settings.
func (l *loader) config() (*Config, error) {
	c := Default()
	if name := l.viper.GetString("model.variant"); name != "" {
		c.Model = variant(name)
	}
	if len(l.faults) == 0 {
		if err := decode(&c, l.viper.AllSettings()); err != nil {
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

// decode fills dst from settings, or from the text of an environment variable.
func decode(dst, src any) error {
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:           dst,
		TagName:          "yaml",
		ErrorUnused:      true,
		Squash:           true, // embedded structs
		WeaklyTypedInput: true, // the environment is text; files are checked before
		ZeroFields:       true, // a list replaces the default's
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToWeakSliceHookFunc(","),
			mapstructure.TextUnmarshallerHookFunc()),
	})
	if err != nil {
		return err
	}
	return d.Decode(src)
}
