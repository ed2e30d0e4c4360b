package infer

import "clusir/internal/kernels"

// Copies holds several copies of one network, each on its own backend.
type Copies struct {
	Networks []*Network
	Device   string // the name of the computing device
	backends []kernels.Backend
}

// LoadCopies loads n copies of the network that s names, each on a backend returned by
// open.
func LoadCopies(n int, s Source, open func() (b kernels.Backend, device string, err error)) (*Copies, error) {
	c := &Copies{}
	for range n {
		b, device, err := open()
		var net *Network
		if err == nil {
			c.Device, c.backends = device, append(c.backends, b)
			net, err = Load(s, b)
		}
		if err != nil {
			c.Close()
			return nil, err
		}
		c.Networks = append(c.Networks, net)
	}
	return c, nil
}

// Close frees the networks and closes their backends.
func (c *Copies) Close() {
	for _, n := range c.Networks {
		n.Close()
	}
	for _, b := range c.backends {
		_ = b.Close() // everything that it computed has been fetched
	}
}
