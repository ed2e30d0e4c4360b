package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"clusir/internal/infer"
	"clusir/internal/serve"
	"clusir/internal/sysmem"
	"clusir/internal/usage"
	"clusir/weights"
)

type serveOptions struct {
	network
	serve.Options
	Addr      string
	TokenFile string
	Names     []string // names, or NAME=FILE
	Sources   []serve.Source
}

func newServeCmd(runF func(*serveOptions) error) *cobra.Command {
	opts := &serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Restore pictures in the browser, and over HTTP",
		Long: `Serve a page to drop pictures on, restore and compare them, and the API that the
page uses: POST /v1/restore takes a picture and responds with the restored one; its
query parameters are the flags of clusir restore. /v1/models lists the models,
/healthz and /metrics report the server's state.

The server listens on this machine only, unless --addr says otherwise; that needs a
--token-file. Pictures are restored in the order in which they arrive, within
--max-memory. On SIGINT or SIGTERM the server first finishes those it has accepted.`,
		Example: `  clusir serve
  clusir serve --addr 127.0.0.1:0 --max-memory 2GB
  clusir serve --addr :8080 --token-file token.txt --host photos.example.org
  curl --data-binary @noisy.jpg 'http://127.0.0.1:8080/v1/restore?strength=0.8' -o clean.jpg`,
		Args: usage.NoArguments("pictures are dropped on the page, or sent to the API; choose the address with --addr"),
		RunE: runs(opts, runF),
	}
	f := cmd.Flags()
	f.StringVar(&opts.Addr, "addr", "127.0.0.1:8080", "listen on `HOST:PORT`; port 0 takes a free one")
	f.StringVar(&opts.TokenFile, "token-file", "", "`FILE` with the token that requests need, 16 characters or more")
	f.StringSliceVar(&opts.Hosts, "host", nil, "more `NAME`s by which browsers reach this machine, separated by commas")
	f.StringSliceVar(&opts.Names, "model", first(defaultModel, weights.Names()), "embedded models and checkpoints to choose from, as `NAME` or NAME=FILE, the default first; "+infer.ModelVariable+" names another default")
	opts.addComputeFlags(f)
	usage.Bytes(f, &opts.network.MaxMemory, "max-memory", "", "use at most this much memory, such as 2GB (default half of what is free)")
	f.Int64Var(&opts.MaxPixels, "max-pixels", 100_000_000, "refuse pictures with more pixels")
	usage.Bytes(f, &opts.MaxBody, "max-body", "256MB", "refuse longer requests")
	usage.Bytes(f, &opts.MaxDisk, "max-disk", "8GB", "keep at most this much of pictures and results in the temporary folder")
	f.IntVar(&opts.Queue, "queue", 64, "how many pictures may wait; more are refused until there is room")
	f.DurationVar(&opts.MaxTime, "time-limit", 10*time.Minute, "stop a picture that takes longer to compute")
	return cmd
}

// first returns names with one of them, or another, moved to the beginning.
func first(name string, names []string) []string {
	return append([]string{name}, slices.DeleteFunc(names, func(n string) bool { return n == name })...)
}

// leastBody is the smallest limit of a request's bytes that lets a small picture in.
const leastBody = 1000

// complete checks the flags, and parses those that are not plain values.
func (o *serveOptions) complete(cmd *cobra.Command, _ []string) (err error) {
	flags := cmd.Flags()
	switch {
	case o.MaxPixels < 1:
		return usage.Errorf("--max-pixels %d: give the number of pixels that a picture may have, such as 100000000", o.MaxPixels)
	case o.Queue < 1:
		return usage.Errorf("--queue %d: at least one picture must be able to wait", o.Queue)
	case o.MaxBody < leastBody:
		return usage.Errorf("--max-body %s: no picture is that short; give %s or more", humanize.Bytes(uint64(o.MaxBody)), humanize.Bytes(leastBody))
	case o.MaxDisk < o.MaxBody:
		return usage.Errorf("--max-disk %s is less than --max-body %s, so the longest pictures would never fit: raise it, or lower --max-body",
			humanize.Bytes(uint64(o.MaxDisk)), humanize.Bytes(uint64(o.MaxBody)))
	case o.MaxTime <= 0:
		return usage.Errorf("--time-limit %v: give a time such as 90s or 10m", o.MaxTime)
	case len(o.Names) == 0:
		return usage.Errorf("--model is empty: name a model")
	case len(o.Hosts) == 0 && flags.Changed("host"):
		return usage.Errorf("--host is empty: name a host, or leave it out")
	case o.ModelConfig != "" && len(o.Names) != 1:
		return usage.Errorf("--model-config is for one model: name it alone with --model")
	}
	if err := cmp.Or(o.CheckHosts(), o.UseAddr(o.Addr, o.TokenFile != "")); err != nil {
		return usage.Of(err)
	}
	if err := o.begin(flags); err != nil {
		return err
	}
	if o.Model != "" { // the variable names another default
		o.Names = first(o.Model, o.Names)
	}
	if o.Sources, err = serve.ParseSources(o.Names); err != nil {
		return usage.Of(err)
	}
	return nil
}

func (o *serveOptions) run() (err error) {
	if o.TokenFile != "" {
		if err := o.ReadToken(o.TokenFile); err != nil {
			return err
		}
	}
	if o.Options.MaxMemory, err = sysmem.Allow(o.network.MaxMemory, freeShare); err != nil {
		return err
	}
	b, device, err := o.open()
	if err != nil {
		return err
	}
	defer b.Close()
	o.Device, o.Version, o.Log, o.Debug = device, programVersion(), o.errOut, debugging()
	defer o.Close()
	if err := o.Load(o.Sources, o.ModelConfig, b); err != nil {
		return err
	}
	return serve.Listen(o.ctx, o.Addr, o.Options, o.out)
}
