package restore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"clusir/internal/atomicfile"
	"clusir/internal/imageio"
	"clusir/internal/shard"
	"clusir/internal/usage"
	"clusir/internal/userfile"
)

// Std stands for standard input or output instead of a file name.
const Std = "-"

// Job is one picture to restore.
type Job struct {
	In, Out string         // paths, or Std
	Format  imageio.Format // of the result; 0 means the input's
	Compare string         // path of a before-and-after picture, "" for none
	Map     string         // path of the affinity map, "" for none
	Stream  *Stream        // instead of files; nil for files

	name string // below the named folder, or including it if results go next to the inputs; with slashes
	err  error  // why the input cannot be read
	keep bool   // files that appear where it writes are not replaced
}

// Request says what to restore and where results go.
type Request struct {
	Inputs []string // files, folders, patterns, or Std
	// Output is a file or a folder, Std, or "" for results next to their inputs, with
	// different names through Suffix or Format. Into makes it a folder.
	Output  string
	Into    bool
	Suffix  string         // goes between a result's name and its extension
	Format  imageio.Format // of the results; 0 goes by their names
	Compare string         // a file for one picture, a folder for several; "" for none
	Explain bool           // draw affinity maps

	Overwrite    bool
	SkipExisting bool
	// Shard is the part of the pictures to restore; the zero value means all.
	Shard shard.Shard

	Results string // a file for the outcomes, "" for none
	JSON    bool   // print the outcomes as JSON instead of text
}

// Plan is the list of jobs for a request.
type Plan struct {
	Jobs    []Job
	Skipped []Job // whose results exist
	// Several reports that the request could have been for more than one picture.
	Several bool
	// Ignored counts the files in folders that are not pictures, by extension in lower
	// case, "" for none; and hidden ones, as "hidden".
	Ignored map[string]int

	shard    shard.Shard
	pictures int    // of all shards
	names    string // a fingerprint of their names
}

// Plan finds the pictures and names the results. It writes nothing; on an error nothing
// should be written.
func (r Request) Plan() (*Plan, error) {
	sources, ignored, err := r.sources()
	if err != nil {
		return nil, err
	}
	p := &Plan{Ignored: ignored, Several: len(r.Inputs) > 1}
	for _, s := range sources {
		p.Several = p.Several || s.many
	}
	folder, err := r.folder(p.Several)
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		job, err := r.job(s, folder, p.Several)
		if err != nil {
			return nil, err
		}
		p.Jobs = append(p.Jobs, job)
	}
	if err := r.unique(p.Jobs); err != nil {
		return nil, err
	}
	p.shard, p.pictures, p.names = r.Shard, len(p.Jobs), namesOf(p.Jobs)
	p.Several = p.Several || r.Shard.N > 0 // there may be none, which the summary says
	p.Jobs = slices.DeleteFunc(p.Jobs, func(j Job) bool { return !r.Shard.HasName(j.name) })
	return p, r.existing(p)
}

// takesFiles returns an error if no folder that results go to takes files, so that
// every picture would fail.
func (p *Plan) takesFiles() (err error) {
	tried := map[string]bool{}
	for _, j := range p.Jobs {
		dir := filepath.Dir(j.Out)
		if tried[dir] {
			continue
		}
		tried[dir] = true
		if j.Out == Std {
			return nil
		}
		refused := atomicfile.TryFolder(dir)
		if refused == nil {
			return nil
		}
		err = cmp.Or(err, refused)
	}
	if err != nil {
		err = fmt.Errorf("%w: name another folder with -o", err)
	}
	return err
}

// folder reports whether the output is a folder.
func (r Request) folder(several bool) (bool, error) {
	switch {
	case r.Output == Std && several:
		return false, usage.Errorf("only one picture goes to standard output: name a folder with -o")
	case r.Output == Std || r.Output == "":
		return false, nil
	}
	info, err := os.Stat(r.Output)
	named := r.Into || several || os.IsPathSeparator(r.Output[len(r.Output)-1])
	switch {
	case err == nil && info.IsDir():
		return true, nil
	case err == nil && named:
		return false, fmt.Errorf("%s is a file, but a folder is needed: name another", r.Output)
	case err == nil || !named:
		return false, nil
	}
	if f, err := imageio.FormatOf(r.Output); err == nil && !r.Into {
		return false, usage.Errorf("%s would be a folder, but is named like a %v: name the folder with -o", r.Output, f)
	}
	return true, nil
}

// job names the results of one source.
func (r Request) job(s source, folder, several bool) (Job, error) {
	j := Job{In: s.path, Out: r.Output, Format: r.Format, name: userfile.Text(filepath.ToSlash(s.rel)), err: s.err, keep: !r.Overwrite}
	if r.Output == "" {
		j.name = userfile.Text(filepath.ToSlash(filepath.Clean(s.path)))
	}
	switch {
	case r.Output == Std:
	case folder && s.path == Std:
		return j, usage.Errorf("standard input has no name to call its result by: name a file instead of %s", r.Output)
	case folder:
		j.Out = filepath.Join(r.Output, r.rename(s, s.rel))
	case r.Output == "":
		j.Out = r.rename(s, s.path)
	default:
		if err := r.explicit(); err != nil {
			return j, err
		}
	}
	if j.Format == 0 && j.Out != Std {
		if f, err := imageio.FormatOf(j.Out); err == nil {
			j.Format = f
		} else if j.err == nil {
			return j, usage.Errorf("%w", err)
		}
	}
	return j, r.extras(&j, s, several)
}

// explicit checks the name that the user gave a result.
func (r Request) explicit() error {
	if r.Suffix != "" {
		return usage.Errorf("--suffix is for names that are made from the inputs', but %s is given: leave one out", r.Output)
	}
	if f, err := imageio.FormatOf(r.Output); err == nil && r.Format != 0 && f != r.Format {
		return usage.Errorf("%s is named like a %v, but --format says %v: leave one out", r.Output, f, r.Format)
	}
	return nil
}

// mapSuffix goes between a result's name and the extension of its affinity map.
const mapSuffix = ".affinity"

// extras names what comes with the result.
func (r Request) extras(j *Job, s source, several bool) error {
	if r.Explain {
		if j.Out == Std {
			return usage.Errorf("--explain draws a map next to the result: write the result to a file")
		}
		j.Map = strings.TrimSuffix(j.Out, filepath.Ext(j.Out)) + mapSuffix + ".png"
	}
	if r.Compare == "" {
		return nil
	}
	j.Compare = r.Compare
	info, err := os.Stat(r.Compare)
	if several || err == nil && info.IsDir() {
		if err == nil && !info.IsDir() {
			return fmt.Errorf("--compare %s is a file, but several pictures need a folder", r.Compare)
		}
		j.Compare = filepath.Join(r.Compare, r.rename(s, s.rel))
	}
	_, err = imageio.FormatOf(j.Compare)
	if err != nil && j.err == nil {
		return usage.Errorf("--compare: %w", err)
	}
	return nil
}

// rename returns a result's name derived from its source's. The extension keeps its
// spelling if the format stays the same.
func (r Request) rename(s source, name string) string {
	ext := filepath.Ext(name)
	f, err := imageio.FormatOf(name)
	stem := strings.TrimSuffix(name, ext)
	if err != nil {
		f, stem = s.format(), name // what follows the dot is part of the name
		ext = f.Ext()
	}
	if r.Format != 0 && r.Format != f {
		ext = r.Format.Ext()
	}
	return stem + r.Suffix + ext
}

// output is a file that a job writes, and what to do if it cannot be written.
type output struct{ path, what, remedy string }

// outputs lists the files that a job writes.
func (j Job) outputs() []output {
	return slices.DeleteFunc([]output{
		{j.Out, "the result", "choose another --suffix or folder"},
		{j.Compare, "the comparison", "choose another name for --compare"},
		{j.Map, "the affinity map", "choose another name for the result"},
	}, func(o output) bool { return o.path == "" || o.path == Std })
}

// unique refuses results that would overwrite each other, an input, or the file of results.
func (r Request) unique(jobs []Job) error {
	inputs, results, outcomes := map[string]string{}, map[string]int{}, absolute(r.Results)
	for _, j := range jobs {
		if j.In != Std {
			inputs[absolute(j.In)] = j.In
		}
	}
	for n, j := range jobs {
		for _, out := range j.outputs() {
			key := absolute(out.path)
			if r.Results != "" && key == outcomes {
				return usage.Errorf("%s is named twice, for --results and for %s of %s: choose different names", r.Results, out.what, j.In)
			}
			if in, ok := inputs[key]; ok && (out.path != j.Out || key != absolute(j.In)) {
				return fmt.Errorf("%s of %s would replace the input %s: %s", out.what, j.In, in, out.remedy)
			}
			switch other, ok := results[key]; {
			case !ok:
			case other == n:
				return usage.Errorf("%s is named twice, for the result and for what comes with it: choose different names", out.path)
			case absolute(jobs[other].In) != absolute(j.In):
				return fmt.Errorf("%s would be the result of both %s and %s: restore them into different folders",
					out.path, jobs[other].In, j.In)
			case filepath.Base(jobs[other].In) != filepath.Base(j.In):
				return fmt.Errorf("%s and %s are one file, through a link: restore them into another folder", jobs[other].In, j.In)
			default:
				return usage.Errorf("%s is named twice: name it once", j.In)
			}
			results[key] = n
		}
	}
	return nil
}

// foldsCase reports whether the system's usual file systems ignore case in names.
var foldsCase = runtime.GOOS == "windows" || runtime.GOOS == "darwin"

// absolute returns a unique name for each file: without links, as far as it exists.
func absolute(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if foldsCase {
		path = strings.ToLower(path)
	}
	return path
}

// existing finds results that exist already.
func (r Request) existing(p *Plan) error {
	var there []string
	todo := p.Jobs[:0:0]
	for _, j := range p.Jobs {
		found, err := occupied(j.outputs())
		switch {
		case errors.Is(err, syscall.ENAMETOOLONG):
			if j.err == nil {
				j.err = err
			}
		case err != nil:
			return err
		case r.SkipExisting && slices.Contains(found, j.Out):
			p.Skipped = append(p.Skipped, j)
			continue
		case len(found) > 0 && !r.Overwrite && j.err == nil:
			there = append(there, found...)
		}
		todo = append(todo, j)
	}
	p.Jobs = todo
	remedy := "replace with --overwrite, or keep with --skip-existing"
	if r.SkipExisting {
		remedy = "or remove it: the result that it would come with is not there"
	}
	switch {
	case len(there) == 1:
		return fmt.Errorf("%s exists: choose another name, %s", there[0], remedy)
	case len(there) > 1:
		return fmt.Errorf("%d results exist already, such as %s: %s", len(there), there[0], remedy)
	}
	return nil
}

// occupied returns the names of existing files. Anything else there must not be
// replaced.
func occupied(outputs []output) (found []string, err error) {
	for _, o := range outputs {
		name := o.path
		if err := atomicfile.CheckName(name); err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", name, err)
		}
		if _, err := os.Lstat(name); errors.Is(err, syscall.ENAMETOOLONG) {
			return nil, fmt.Errorf("cannot write %s: %w: choose a shorter name, or another --suffix", name, syscall.ENAMETOOLONG)
		} else if err != nil {
			continue // absent, or detected when the file is written
		}
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			return nil, fmt.Errorf("%s is a folder, and the result would be a file: choose another name", name)
		}
		if err == nil && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is a device or a pipe: use - to write to standard output", name)
		}
		found = append(found, name)
	}
	return found, nil
}
