package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"clusir/internal/config"
	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
	"clusir/internal/serve"
	"clusir/internal/userfile"
	"clusir/weights"
)

// serveOptions are the options of `clusir serve`.
type serveOptions struct {
	ctx         context.Context
	out, errOut io.Writer
	config      *config.Config

	serve.Options
	Addr        string
	TokenFile   string
	Names       []string // names, or NAME=FILE
	ModelConfig string
	ISA         string
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
		Args: noArguments("pictures are dropped on the page, or sent to the API; choose the address with --addr"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.ctx, opts.out, opts.errOut = cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			if err := opts.complete(cmd); err != nil {
				return err
			}
			if runF != nil {
				return runF(opts)
			}
			return runServe(opts)
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.Addr, "addr", "127.0.0.1:8080", "listen on `HOST:PORT`; port 0 takes a free one")
	f.StringVar(&opts.TokenFile, "token-file", "", "`FILE` with the token that requests need, 16 characters or more")
	f.StringSliceVar(&opts.Hosts, "host", nil, "more `NAME`s by which browsers reach this machine, separated by commas")
	f.StringSliceVar(&opts.Names, "model", models(), "embedded models and checkpoints to choose from, as `NAME` or NAME=FILE, the default first; "+modelVariable+" names another default")
	f.StringVar(&opts.ModelConfig, "model-config", "", "YAML or JSON `FILE` of the model's configuration, for a checkpoint without one")
	addDeviceFlags(f)
	addProcessorFlags(f, &opts.ISA)
	f.String("max-memory", "", "use at most this much memory, such as 2GB (default half of what is free)")
	f.Int64Var(&opts.MaxPixels, "max-pixels", 100_000_000, "refuse pictures with more pixels")
	f.String("max-body", "256MB", "refuse longer requests")
	f.String("max-disk", "8GB", "keep at most this much of pictures and results in the temporary folder")
	f.IntVar(&opts.Queue, "queue", 64, "how many pictures may wait; more are refused until there is room")
	f.DurationVar(&opts.MaxTime, "time-limit", 10*time.Minute, "stop a picture that takes longer to compute")
	return cmd
}

// models returns the embedded models, the default first.
func models() []string {
	rest := slices.DeleteFunc(weights.Names(), func(name string) bool { return name == defaultModel })
	return append([]string{defaultModel}, rest...)
}

// complete checks the flags, and parses those that are not plain values.
func (o *serveOptions) complete(cmd *cobra.Command) (err error) {
	flags := cmd.Flags()
	if !flags.Changed("model") {
		name := ""
		if err := modelOfEnvironment(flags.Changed, &name, false); err != nil {
			return err
		}
		if name != "" {
			o.Names = slices.Insert(slices.DeleteFunc(o.Names, func(m string) bool { return m == name }), 0, name)
		}
	}
	for name, to := range map[string]*int64{"max-memory": &o.MaxMemory, "max-body": &o.MaxBody, "max-disk": &o.MaxDisk} {
		if *to, err = parseAmount(name, flags.Lookup(name).Value.String()); err != nil {
			return err
		}
	}
	switch {
	case o.MaxPixels < 1:
		return usage("--max-pixels %d: give the number of pixels that a picture may have, such as 100000000", o.MaxPixels)
	case o.Queue < 1:
		return usage("--queue %d: at least one picture must be able to wait", o.Queue)
	case o.MaxTime <= 0:
		return usage("--time-limit %v: give a time such as 90s or 10m", o.MaxTime)
	case len(o.Names) == 0:
		return usage("--model is empty: name a model")
	case o.ModelConfig != "" && len(o.Names) != 1:
		return usage("--model-config is for one model: name it alone with --model")
	}
	if err := checkISA(o.ISA); err != nil {
		return err
	}
	if err := o.address(); err != nil {
		return err
	}
	if o.config, err = config.LoadUntrained(flags); err != nil {
		return usageError{err} // from flags and variables, not from a file
	}
	return nil
}

// address ensures that only users of this machine get in without a token.
func (o *serveOptions) address() error {
	host, _, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return usage("--addr %s: write HOST:PORT, such as 127.0.0.1:8080", o.Addr)
	}
	ip, err := netip.ParseAddr(host)
	own := host == "localhost" || err == nil && ip.IsLoopback()
	if !own && o.TokenFile == "" {
		return usage("--addr %s can be reached from other machines: protect it with --token-file FILE", o.Addr)
	}
	if err != nil && host != "" {
		o.Hosts = append(o.Hosts, host)
	}
	return nil
}

// token reads the token file.
func (o *serveOptions) token() error {
	if o.TokenFile == "" {
		return nil
	}
	text, err := userfile.ReadText(o.TokenFile)
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	const least = 16
	o.Token = strings.TrimSpace(string(text))
	if len(o.Token) < least || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("--token-file %s: a token needs %d or more ASCII letters, digits or punctuation marks: make one with 'openssl rand -hex 16'", o.TokenFile, least)
	}
	return nil
}

func runServe(o *serveOptions) (err error) {
	if err := o.token(); err != nil {
		return err
	}
	if o.MaxMemory, err = memoryLimit(o.MaxMemory, 0.5); err != nil {
		return err
	}
	b, deviceName, err := device.Open(deviceOptions(o.config, o.ISA, o.errOut))
	if err != nil {
		return err
	}
	defer b.Close()
	o.Device, o.DeviceMemory, o.Version, o.Log, o.Debug = deviceName, device.Memory(b), version, o.errOut, debugging()
	if err := o.load(b); err != nil {
		return err
	}
	defer func() {
		for _, m := range o.Models {
			m.Net.Close()
		}
	}()
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w: choose another with --addr, such as 127.0.0.1:0", o.Addr, errors.Unwrap(err))
	}
	s, err := serve.New(o.Options)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	fmt.Fprintf(o.out, "clusir serve: open http://%s/\n", reachable(l.Addr().String()))
	return s.Serve(o.ctx, l)
}

// reachable returns an address that a browser on this machine can open.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip, parsed := netip.ParseAddr(host); err == nil && parsed == nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

// load loads the models onto the device. The memory of all but the largest is not
// available for pictures.
func (o *serveOptions) load(b kernels.Backend) error {
	var all, largest int64
	for _, text := range o.Names {
		name, file, named := strings.Cut(text, "=")
		if !named {
			file = name
			name = strings.TrimSuffix(filepath.Base(name), ".safetensors")
		}
		if slices.ContainsFunc(o.Models, func(m *serve.Model) bool { return m.Name == name }) {
			return usage("--model: two models are called %q: write one as NAME=FILE, with a name of its own", name)
		}
		m, err := o.open(file, b)
		if err != nil {
			return err
		}
		m.Name = name
		size := 4 * m.About.Params
		all, largest = all+size, max(largest, size)
		o.Models = append(o.Models, m)
	}
	if o.DeviceMemory == 0 {
		o.MaxMemory -= all - largest
	}
	if o.MaxMemory <= 0 {
		return fmt.Errorf("the models take %s, which is more than --max-memory: offer fewer with --model", humanize.Bytes(uint64(all)))
	}
	return nil
}

func (o *serveOptions) open(file string, b kernels.Backend) (*serve.Model, error) {
	about, err := infer.Describe(file)
	if err != nil {
		return nil, err
	}
	net, err := infer.Load(infer.Source{Model: file, Config: o.ModelConfig}, b)
	return &serve.Model{Net: net, About: about}, err
}
