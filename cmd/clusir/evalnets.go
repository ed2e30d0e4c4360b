package main

import (
	"runtime"

	"clusir/internal/device"
	"clusir/internal/infer"
	"clusir/internal/kernels"
)

// copies are copies of one network, each on a backend of its own.
type copies struct {
	nets     []*infer.Network
	backends []kernels.Backend
	device   string
}

// open loads a model once for each image that is measured at a time.
func (o *evalOptions) open(name string) (*copies, error) {
	source := infer.Source{Model: name}
	if o.ModelConfig != "" {
		c, err := readModelConfig(o.ModelConfig)
		if err != nil {
			return nil, err
		}
		source.Config = &c
	}
	threads := o.config.Threads
	if o.Jobs > 1 {
		if threads == 0 {
			threads = runtime.GOMAXPROCS(0)
		}
		threads = max(threads/o.Jobs, 1)
	}
	c := &copies{}
	options := deviceOptions(o.config, o.ISA, o.errOut)
	options.Threads = threads
	for range o.Jobs {
		if err := c.add(source, options); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *copies) add(s infer.Source, d device.Options) error {
	b, name, err := device.Open(d)
	if err != nil {
		return err
	}
	c.device, c.backends = name, append(c.backends, b)
	net, err := infer.Load(s, b)
	if err == nil {
		c.nets = append(c.nets, net)
	}
	return err
}

func (c *copies) close() {
	for _, n := range c.nets {
		n.Close()
	}
	for _, b := range c.backends {
		_ = b.Close() // all that it computed is fetched
	}
}
